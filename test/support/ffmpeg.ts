import { spawn, tool, type Running } from './tools.js'
import { until } from './waiting.js'

/** A player that counts what it decodes. */
export interface FramePlayer extends Running {
  /** Video frames decoded until now. */
  frames(): number
  /** Resolves when so many frames were decoded; rejects if the player ends before. */
  waitForFrames(count: number, ms?: number): Promise<void>
}

/**
 * Plays a URL with ffmpeg and decodes it.
 * @param userAgent over RTMP the version of the Flash player
 * @param frames ends by itself after so many; without it goes on until it is closed, or the stream ends
 * @param map what of it is played, as ffmpeg says it; default all of the picture
 * @param from where it begins, in seconds
 */
export const playFrames = (
  url: string, { userAgent, frames, map = '0:v', from }: { userAgent: string, frames?: number, map?: string, from?: number }
): FramePlayer => {
  const running = spawn(tool('ffmpeg'), [
    '-hide_banner', '-nostdin', '-nostats', '-progress', 'pipe:1', '-stats_period', '0.1', '-rw_timeout', '15000000',
    ...(url.startsWith('rtmp') ? ['-rtmp_flashver', userAgent] : ['-user_agent', userAgent]),
    ...(from === undefined ? [] : ['-ss', String(from)]),
    '-i', url, '-map', map, ...(frames === undefined ? [] : ['-frames:v', String(frames)]), '-f', 'null', '-'
  ])
  let ended = false
  running.exited.then(() => { ended = true }, () => { ended = true })
  const count = (): number => Number(/.*^frame=(\d+)/ms.exec(running.stdout())?.[1] ?? 0)
  return {
    ...running,
    frames: count,
    async waitForFrames(wanted, ms = 20_000) {
      await until(() => ended || count() >= wanted, () => `${wanted} frames; there are ${count()}; ${running.stderr().slice(-1000)}`, ms)
      if (count() < wanted) throw new Error(`the player ended after ${count()} frames: ${running.stderr().slice(-2000)}`)
    }
  }
}

/** Publishes a small live stream over RTMP, and writes it as HLS beside that; as the examples say. */
export const startSource = (url: string, playlist: string): Running => {
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25', '-c:a', 'aac']
  return spawn(tool('ffmpeg'), [
    '-hide_banner', '-nostdin', '-loglevel', 'warning', '-re',
    '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=440',
    ...video, '-f', 'flv', url,
    ...video, '-f', 'hls', '-hls_time', '1', '-hls_list_size', '8', '-hls_flags', 'delete_segments+temp_file', playlist
  ])
}
