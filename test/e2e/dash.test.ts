import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { progressOf, startBrowser, waitForFrames } from '../support/browser.js'
import { openDashPage } from '../support/dash-page.js'
import { run, spawn, tool } from '../support/tools.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const TOKEN_MS = 5000

/** A way in which ffmpeg names segments and says when there is a next one. */
interface Way {
  readonly stream: string
  readonly title: string
  readonly flags: readonly string[]
  /** Ends after a minute, which is made as fast as it can be. */
  readonly isRecording?: boolean
  /** ffmpeg computes numbers of segments that are not there, also without us. */
  readonly isNotForFfmpeg?: boolean
}

const WAYS: readonly Way[] = [
  { stream: 'plain', title: 'a timeline', flags: ['-use_timeline', '1'] },
  { stream: 'counted', title: 'numbers that follow the clock', flags: ['-use_timeline', '0'], isNotForFfmpeg: true },
  { stream: 'folders', title: 'a directory for each track', flags: ['-init_seg_name', '$RepresentationID$/init.m4s', '-media_seg_name', '$RepresentationID$/$Number%04d$.m4s'] },
  { stream: 'listed', title: 'a list of segments that has an end', flags: ['-use_template', '0', '-use_timeline', '0'], isRecording: true },
  { stream: 'whole', title: 'a file for each track that has an end', flags: ['-single_file', '1'], isRecording: true }
]

describe('DASH that ffmpeg makes', function () {
  this.timeout(120_000)
  let browser: Browser
  const { backend, server, keep, last } = withServer(async ({ last }) => {
    browser = last(await startBrowser())
    return { config: { static: { router: '/static', root: 'static' } }, options: { log: 'verdicts' } }
  })
  before(async () => {
    for (const { stream, flags, isRecording = false } of WAYS) {
      const folder = join(server.dir, 'static/live', stream)
      for (const track of ['0', '1']) await mkdir(join(folder, track), { recursive: true })
      const encoder = last(spawn(tool('ffmpeg'), [
        '-v', 'error', ...isRecording ? ['-t', '60'] : ['-re'], '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', ...isRecording ? ['-t', '60'] : [], '-f', 'lavfi', '-i', 'sine=sample_rate=44100',
        '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p', '-c:a', 'aac',
        '-f', 'dash', '-seg_duration', '1', ...isRecording ? [] : ['-window_size', '8', '-extra_window_size', '20'], ...flags, 'index.mpd'
      ], { cwd: folder }))
      await until(async () => (await readFile(join(folder, 'index.mpd'), 'utf8').catch(() => '')).includes(`type="${isRecording ? 'static' : 'dynamic'}"`), () => `a manifest of ${stream}: ${encoder.stderr()}`, 60_000)
    }
  })

  /** Tokens that are good for five seconds from when they are first seen. */
  const dyingTokens = (): { isDead(token: string): boolean } => {
    const seen = new Map<string, number>()
    const isDead = (token: string): boolean => performance.now() - (seen.get(token) ?? Infinity) > TOKEN_MS
    backend.answer(({ query }) => {
      const token = new URLSearchParams(query).get('token') ?? ''
      if (!seen.has(token)) seen.set(token, performance.now())
      return { status: isDead(token) ? 403 : 200 }
    })
    return { isDead }
  }

  for (const { stream, title, isNotForFfmpeg = false } of WAYS) {
    it(`is played by dash.js in Chromium with ${title}, on after its token has died, by one question`, async () => {
      const tokens = dyingTokens()
      const token = `dies-$5-${stream}`
      const { page, fetched, says } = keep(await openDashPage(browser, server, 'static', `/static/live/${stream}/index.mpd?token=${token}&x=1`))
      try {
        await waitForFrames(page, 10)
        await until(() => tokens.isDead(token), 'the token dies', 10_000)
        await waitForFrames(page, 40)
      } catch (error) {
        throw new Error(`it says ${await says()}; ${JSON.stringify(fetched.slice(-5).map(({ url, status }) => [url.href, status]))}`, { cause: error })
      }
      expect(fetched.filter(({ status }) => status === 403)).to.deep.equal([])
      expect(new Set(fetched.map(({ url }) => url.search.replace('%24', '$')))).to.deep.equal(new Set([`?token=${token}&x=1`]))
      expect(backend.about(stream).filter(({ query }) => query.includes('x=1'))).to.have.length(1)
      const session = (await server.sessions()).filter(({ event, session }) => event === 'start' && session.streamPath === `/live/${stream}`)
      expect(session.map(({ session: { protocol } }) => protocol)).to.deep.equal(['dash'])
    })

    // Of a base with an & in it ffmpeg makes no URL.
    if (!isNotForFfmpeg) it(`is played by ffmpeg with ${title}`, async () => {
      const frames = await run(tool('ffmpeg'), [
        '-v', 'error', '-t', '3', '-i', `http://127.0.0.1:${server.ports.http}/static/live/${stream}/index.mpd?token=123`, '-map', '0:v:0', '-f', 'framecrc', '-'
      ], { timeoutMs: 60_000 })
      expect(frames.stdout.split('\n').filter((line) => /^0,/.test(line)).length, frames.stderr).to.be.greaterThan(10)
      const asked = backend.requests.filter(({ headers }) => String(headers['x-real-ua']).startsWith('Lavf') && String(headers['x-real-path']).includes(`/live/${stream}/`))
      expect(asked).to.have.length(1)
    })
  }

  it('shows that a viewer is refused, and no picture', async () => {
    const { page, fetched, says } = keep(await openDashPage(browser, server, 'static', '/static/live/plain/index.mpd?token=wrong'))
    await until(async () => (await says()) !== '', 'it says something', 20_000)
    expect(await says()).to.match(/^403 /)
    expect(await progressOf(page)).to.deep.equal({ time: 0, frames: 0 })
    expect(new Set(fetched.map(({ url, status }) => `${url.pathname} ${status}`))).to.deep.equal(new Set(['/static/live/plain/index.mpd 403']))
  })
})
