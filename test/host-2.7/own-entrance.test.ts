import { expect } from 'chai'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, type AnyClient } from '../support/clients.js'
import { fileClient } from '../support/file-clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'
import { freePort, listens, spawn, tool } from '../support/tools.js'
import { until } from '../support/waiting.js'

describe('the ffmpegs of node-media-server 2.7 behind a TCP proxy that is trusted', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  /** HAProxy's port for RTMP. */
  let proxied: number

  const begin = async (ffmpeg: string, how: 'send-proxy' | 'send-proxy-v2'): Promise<void> => {
    backend = keep(await startBackend())
    backend.answer(({ query }) => ({ status: query.includes('token=123') ? 200 : 403 }))
    server = keep(await startServer({
      config: { trans: { ffmpeg, tasks: [{ app: 'live', hls: true, hlsFlags: '[hls_time=1:hls_list_size=3:hls_flags=delete_segments]' }] } },
      options: { url: backend.url, log: 'verdicts', trustProxy: ['127.0.0.1'], proxyProtocol: ['rtmp'] }
    }))
    proxied = await freePort()
    const file = join(server.dir, 'haproxy.cfg')
    await writeFile(file, `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen rtmp
  bind 127.0.0.1:${proxied}
  server nms 127.0.0.1:${server.ports.rtmp} ${how}
`)
    const haproxy = keep(spawn(tool('haproxy'), ['-db', '-f', file]))
    await until(() => listens(proxied), () => `HAProxy listens: ${haproxy.stderr()}`)
  }
  afterEach(() => keep.run())

  const open = async (port: number, action: 'play' | 'publish', query: string, from = '127.0.0.3'): Promise<AnyClient> =>
    keep(await openClient({ ports: { ...server.ports, rtmp: port }, speech: 'rtmp', action, streamPath: '/live/s', query, from }))

  for (const how of ['send-proxy', 'send-proxy-v2'] as const) {
    it(`make HLS, and nobody is asked about them (${how})`, async () => {
      await begin(tool('ffmpeg'), how)
      keep(spawn(tool('ffmpeg'), [
        '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p',
        '-f', 'flv', `rtmp://127.0.0.1:${proxied}/live/s?token=123`
      ]))
      const client = keep(fileClient(server.ports))
      await until(async () => (await client.get('/live/s/index.m3u8?token=123')).text.includes('.ts?token=123'), 'a playlist', 40_000)
      expect((await client.get('/live/s/index.m3u8?token=no')).status).to.equal(403)
      expect((await server.verdicts()).filter(({ request }) => request.protocol === 'rtmp')).to.have.length(1)
      expect(backend.requests.every(({ url }) => !url.includes('nms-own'))).to.equal(true)
      expect(await server.evaluate(({ auth }) => auth?.stats().cuts.proxy ?? 0)).to.equal(0)
    })
  }

  it('have an entrance and a secret that are good for nobody else', async () => {
    // It never comes, so that its secret stays good.
    const dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    keep({ close: () => rm(dir, { recursive: true }) })
    const fake = join(dir, 'ffmpeg')
    await writeFile(fake, `#!/bin/sh\nprintf '%s\\n' "$@" > ${join(dir, 'arguments')}\nexec sleep 60\n`)
    await chmod(fake, 0o755)
    await begin(fake, 'send-proxy-v2')
    const publisher = await open(proxied, 'publish', 'token=123')
    expect(await publisher.told).to.equal('yes')
    keep(keepPublishing(publisher))
    await until(async () => (await readFile(join(dir, 'arguments'), 'utf8').catch(() => '')).includes('nms-own='), 'its arguments')
    const [, port = '', secret = ''] = /rtmp:\/\/127\.0\.0\.1:(\d+)\/live\/s\?(nms-own=[\w-]+)/.exec(await readFile(join(dir, 'arguments'), 'utf8')) ?? []
    const entrance = Number(port)
    expect(entrance).to.not.be.oneOf([0, server.ports.rtmp, proxied])

    // Behind the proxy it is a query like any other.
    for (const action of ['play', 'publish'] as const) expect(await (await open(proxied, action, secret)).told, action).to.equal('no')
    // Without a header the proxy's address is nobody.
    const bare = await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query: secret }).catch(() => undefined)
    await bare?.closed
    expect(bare?.mediaBytes() ?? 0).to.equal(0)
    await until(async () => await server.evaluate(({ auth }) => auth?.stats().cuts.proxy ?? 0) > 0, 'it is cut')
    // By the entrance nobody comes with what the backend would allow.
    const asked = backend.requests.length
    for (const query of ['token=123', 'nms-own=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']) {
      for (const action of ['play', 'publish'] as const) {
        const stranger = await open(entrance, action, query, '127.0.0.1')
        await stranger.closed
        expect(stranger.mediaBytes()).to.equal(0)
      }
    }
    expect(backend.requests).to.have.length(asked)
    // Whoever has the secret is let in once.
    const own = await open(entrance, 'play', secret, '127.0.0.1')
    await own.waitForMedia()
    const second = await open(entrance, 'play', secret, '127.0.0.1')
    await second.closed
    expect(second.mediaBytes()).to.equal(0)
    expect(backend.requests).to.have.length(asked)
    await server.evaluate(({ auth }) => auth?.close())
    expect(await listens(entrance)).to.equal(false)
    await own.waitForMedia(own.mediaBytes() + 5000)
  })
})
