import { chromium, type Browser, type Page } from 'playwright-core'
import { tool } from './tools.js'
import { until } from './waiting.js'

/** How far the video of a page is. */
export interface Progress {
  /** Seconds of the stream. */
  readonly time: number
  /** Decoded until now. */
  readonly frames: number
}

/** The machine's own Chromium, without a window. A sandbox needs rights that root in a container does not have. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: tool('chromium'), args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio'] })

const PROGRESS = `(() => {
  const video = document.querySelector('video')
  return { time: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames }
})()`

export const progressOf = (page: Page): Promise<Progress> => page.evaluate<Progress>(PROGRESS)

/** Waits until the video has gone on by so many frames, and by time, from where it is now. */
export const waitForFrames = async (page: Page, frames: number): Promise<void> => {
  const from = await progressOf(page)
  let now = from
  await until(async () => {
    now = await progressOf(page)
    return now.frames >= from.frames + frames && now.time > from.time
  }, () => `${frames} more frames; from ${JSON.stringify(from)} it came to ${JSON.stringify(now)}`, 20_000)
}
