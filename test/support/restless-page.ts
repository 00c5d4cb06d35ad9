import { copyFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** What a page of `restless.html` tells as `window.attempts`: one entry for each start of its player. Times are in milliseconds of the page. */
export interface Attempt {
  readonly startedAt: number
  /** Absent while it plays. */
  readonly endedAt?: number
  /** What the server said when it ended, the status first. */
  readonly why?: string
  /** Seconds of the stream that were played. */
  readonly played: number
}

/**
 * Puts a page into a folder that plays `?url=` with hls.js, and starts it again 200 ms after it has ended, for ever; `{n}` in the URL
 * is the number of the start.
 */
export const writeRestlessPage = async (root: string): Promise<void> => {
  await copyFile(createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js'), join(root, 'hls.min.js'))
  await writeFile(join(root, 'restless.html'), `<!doctype html><video muted autoplay></video><script src="hls.min.js"></script><script>
const url = new URLSearchParams(location.search).get('url')
const video = document.querySelector('video')
window.attempts = []
const start = () => {
  const attempt = { startedAt: performance.now(), played: 0 }
  window.attempts.push(attempt)
  const hls = new Hls()
  let from
  const timer = setInterval(() => { if (video.currentTime > 0) attempt.played = video.currentTime - (from ??= video.currentTime) }, 50)
  hls.on(Hls.Events.ERROR, (_, { fatal, response, networkDetails }) => {
    if (!fatal || attempt.endedAt !== undefined) return
    clearInterval(timer)
    Object.assign(attempt, { endedAt: performance.now(), why: \`\${response?.code} \${networkDetails?.responseText ?? response?.text ?? ''}\` })
    hls.destroy()
    setTimeout(start, 200)
  })
  hls.loadSource(url.replace('{n}', window.attempts.length))
  hls.attachMedia(video)
}
start()
</script>`)
}
