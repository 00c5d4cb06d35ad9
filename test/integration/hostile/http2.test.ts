import { expect } from 'chai'
import { connect, constants, type ClientHttp2Session } from 'node:http2'
import { join } from 'node:path'
import { TEST_CA } from '../../support/certificates.js'
import { startBackend, type ControlledBackend } from '../../support/backend.js'
import { cleanup } from '../../support/cleanup.js'
import { fileClient } from '../../support/file-clients.js'
import { hlsStream, writeFiles } from '../../support/hls-files.js'
import { startServer, type TestServer } from '../../support/server.js'
import { Wire } from '../../support/wire.js'

const MAX_GROWTH = 64 * 1024 * 1024
/** An empty SETTINGS frame, as a client's first. */
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])
const PING = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])

describe('clients of HTTP/2 that only make work', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  beforeEach(async () => {
    backend = keep(await startBackend())
    server = keep(await startServer({ config: { static: { router: '/static', root: 'static' } }, options: { url: backend.url, hlsIdleMs: 500, log: 'none' } }))
    await writeFiles(join(server.dir, 'static'), hlsStream('live/s', { segments: 2 }))
  })
  afterEach(() => keep.run())

  const rss = (): Promise<number> => server.evaluate(() => process.memoryUsage.rss())
  const stillServes = async (): Promise<void> => {
    const client = keep(fileClient(server.ports, { over: 'HTTP/2' }))
    expect((await client.get('/static/live/s/index.m3u8?token=123')).status).to.equal(200)
    await server.waitFor(({ auth, context }) => auth?.stats().held === 0 && auth.stats().viewers === 0 && context.sessions.size === 0)
  }
  const open = (): ClientHttp2Session => {
    const session = connect(`https://127.0.0.1:${server.ports.https}`, { ca: TEST_CA })
    session.on('error', () => undefined)
    keep({ close: () => session.destroy() })
    return session
  }

  for (const [what, target] of [['files', (index: number) => `/static/live/s/${index}/1.ts?token=123`], ['live streams', (index: number) => `/live/s${index}.flv?token=123`]] as const) {
    it(`leave nothing behind by requests that they reset at once: ${what}`, async () => {
      const before = await rss()
      for (let round = 0; round < 4; round++) {
        const session = open()
        for (let index = 0; index < 1000 && !session.destroyed; index++) {
          const stream = session.request({ ':path': target(round * 1000 + index) })
          stream.on('error', () => undefined)
          stream.close(constants.NGHTTP2_CANCEL)
          if (index % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
        }
        session.destroy()
      }
      await server.waitFor(({ auth }) => auth?.stats().held === 0)
      await stillServes()
      expect(await rss() - before).to.be.below(MAX_GROWTH)
    })
  }

  it('fill no memory by pings whose answers they do not read', async () => {
    const before = await rss()
    const wire = keep(await Wire.open({ port: server.ports.https, tls: true, alpn: ['h2'] }))
    wire.socket.pause()
    wire.write(PREFACE)
    // 17 bytes each, 34 MB in all.
    for (let round = 0; round < 200 && !wire.isClosed; round++) {
      wire.write(Buffer.concat(Array<Buffer>(10_000).fill(PING)))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(await rss() - before).to.be.below(MAX_GROWTH)
    await wire.close()
    await stillServes()
  })
})
