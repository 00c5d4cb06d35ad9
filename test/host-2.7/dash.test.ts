import { expect } from 'chai'
import { startBackend } from '../support/backend.js'
import { progressOf, startBrowser, waitForFrames } from '../support/browser.js'
import { cleanup } from '../support/cleanup.js'
import { openDashPage } from '../support/dash-page.js'
import { fileClient } from '../support/file-clients.js'
import { startServer } from '../support/server.js'
import { spawn, tool } from '../support/tools.js'
import { until } from '../support/waiting.js'

const TOKEN_MS = 5000

describe('DASH that node-media-server 2.7 makes', function () {
  this.timeout(120_000)
  const keep = cleanup()
  afterEach(() => keep.run())

  it('is played by dash.js in Chromium beside its HLS, on after its token has died, by one question, and refused', async () => {
    const backend = keep(await startBackend())
    let firstAt = Infinity
    backend.answer(({ query }) => {
      const isDying = query.includes('token=dies')
      if (isDying) firstAt = Math.min(firstAt, performance.now())
      return { status: query.includes('token=123') || (isDying && performance.now() - firstAt < TOKEN_MS) ? 200 : 403 }
    })
    const server = keep(await startServer({
      config: {
        trans: {
          ffmpeg: tool('ffmpeg'),
          tasks: [{
            app: 'live', hls: true, hlsFlags: '[hls_time=1:hls_list_size=3:hls_flags=delete_segments]',
            dash: true, dashFlags: '[f=dash:window_size=8:extra_window_size=20:seg_duration=1]'
          }]
        }
      },
      options: { url: backend.url, log: 'verdicts' }
    }))
    const encoder = keep(spawn(tool('ffmpeg'), [
      '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', '-f', 'lavfi', '-i', 'sine=sample_rate=44100',
      '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f', 'flv', `rtmp://127.0.0.1:${server.ports.rtmp}/live/s?token=123`
    ]))
    const client = keep(fileClient(server.ports))
    await until(async () => (await client.get('/live/s/index.m3u8?token=123')).text.includes('.ts?token=123'), () => `a playlist: ${encoder.stderr()}`, 40_000)
    await until(async () => (await client.get('/live/s/index.mpd?token=123')).text.includes('.m4s?token=123'), () => `a manifest: ${encoder.stderr()}`, 40_000)

    const browser = keep(await startBrowser())
    const { page, fetched, says } = keep(await openDashPage(browser, server, 'media', '/live/s/index.mpd?token=dies&x=1'))
    try {
      await waitForFrames(page, 10)
      await until(() => performance.now() - firstAt > TOKEN_MS, 'the token dies', 10_000)
      await waitForFrames(page, 40)
    } catch (error) {
      throw new Error(`it says ${await says()}; ${JSON.stringify(fetched.slice(-5).map(({ url, status }) => [url.href, status]))}`, { cause: error })
    }
    expect(fetched.filter(({ status }) => status === 403)).to.deep.equal([])
    const asked = backend.about('token=dies')
    expect(asked.map(({ headers }) => headers['x-real-path'])).to.deep.equal(['/live/s/index.mpd'])
    const [{ request } = { request: { protocol: '', streamPath: '' } }] = (await server.verdicts()).filter(({ request: { query } }) => query.includes('dies'))
    expect([request.protocol, request.streamPath]).to.deep.equal(['dash', '/live/s'])

    const refused = keep(await openDashPage(browser, server, 'media', '/live/s/index.mpd?token=wrong'))
    await until(async () => (await refused.says()) !== '', 'it says something', 20_000)
    expect(await refused.says()).to.match(/^403 /)
    expect(await progressOf(refused.page)).to.deep.equal({ time: 0, frames: 0 })
  })
})
