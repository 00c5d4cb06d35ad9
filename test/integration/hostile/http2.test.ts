import { expect } from 'chai'
import { once } from 'node:events'
import { connect, constants, type ClientHttp2Session } from 'node:http2'
import { MAX_STREAMS } from '../../../lib/access/bounds.js'
import { TEST_CA } from '../../support/certificates.js'
import { fileClient } from '../../support/file-clients.js'
import { hlsStream } from '../../support/hls-files.js'
import type { TestServer } from '../../support/server.js'
import { Wire } from '../../support/wire.js'
import { MOUNT } from '../../support/hosts.js'
import { withBackend } from '../../support/with-server.js'

const MAX_GROWTH = 64 * 1024 * 1024
/** An empty SETTINGS frame, as a client's first. */
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])
const frameOf = (type: number, flags: number, streamId: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(streamId, 5)
  return Buffer.concat([head, payload])
}
const END_HEADERS = 4
/** What comes first, and the frame that then comes for ever. */
const FLOODS: readonly (readonly [what: string, first: Buffer, frame: Buffer])[] = [
  ['pings whose answers they do not read', Buffer.alloc(0), frameOf(6, 0, 0, Buffer.alloc(8))],
  ['settings whose answers they do not read', Buffer.alloc(0), frameOf(4, 0, 0, Buffer.alloc(0))],
  ['headers without an end', frameOf(1, 0, 1, Buffer.alloc(0)), frameOf(9, 0, 1, Buffer.from([0x40, 1, 0x61, 1, 0x62]))],
  ['empty data', frameOf(1, END_HEADERS, 1, Buffer.from([0x82, 0x87, 0x84])), frameOf(0, 0, 1, Buffer.alloc(0))],
  ['windows that grow', Buffer.alloc(0), frameOf(8, 0, 0, Buffer.from([0, 0, 0, 1]))],
  ['priorities of streams that are not there', Buffer.alloc(0), frameOf(2, 0, 1001, Buffer.from([0, 0, 0, 0, 1]))],
  ['frames of a type that nobody knows', Buffer.alloc(0), frameOf(200, 0, 1, Buffer.alloc(16))]
]

describe('clients of HTTP/2 that only make work', function () {
  this.timeout(60_000)
  const { keep, start } = withBackend()
  let server: TestServer
  beforeEach(async () => { server = await start({ options: { hlsIdleMs: 500, log: 'denials' }, files: hlsStream('live/s', { segments: 2 }) }) })

  const rss = (): Promise<number> => server.evaluate(() => process.memoryUsage.rss())
  const stillServes = async (): Promise<void> => {
    const client = keep(fileClient(server.ports, { over: 'HTTP/2' }))
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123`)).status).to.equal(200)
    await server.waitFor(({ auth, context }) => auth?.stats().held === 0 && auth.stats().viewers === 0 && context.sessions.size === 0)
  }
  const open = (): ClientHttp2Session => {
    const session = connect(`https://127.0.0.1:${server.ports.https}`, { ca: TEST_CA })
    session.on('error', () => undefined)
    keep({ close: () => session.destroy() })
    return session
  }

  for (const [what, target] of [['files', (index: number) => `${MOUNT}/live/s/${index}/1.ts?token=123`], ['live streams', (index: number) => `/live/s${index}.flv?token=123`]] as const) {
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

  it('are cut with a line once they have reset two hundred requests, and not for half as many', async () => {
    const reset = async (session: ClientHttp2Session, count: number): Promise<void> => {
      for (let index = 0; index < count && !session.destroyed; index++) {
        const stream = session.request({ ':path': `/static/live/s/720p/${index}.ts?token=1` })
        stream.on('error', () => undefined)
        stream.close(constants.NGHTTP2_CANCEL)
      }
      // Its answer says that all before it has been read.
      if (!session.destroyed) await new Promise((resolve) => { session.on('close', resolve).ping(resolve) })
    }
    const cut = (): Promise<number | undefined> => server.evaluate(({ auth }) => auth?.stats().cuts.overflow ?? 0)
    const [honest, hostile] = [open(), open()]
    await Promise.all([once(honest, 'connect'), once(hostile, 'connect')])
    await reset(honest, MAX_STREAMS / 2)
    expect([honest.destroyed, await cut()]).to.deep.equal([false, 0])
    const closed = new Promise((resolve) => hostile.on('close', resolve))
    await reset(hostile, 3 * MAX_STREAMS)
    await closed
    expect(await cut()).to.equal(1)
    expect(server.log()).to.include('too many HTTP/2 requests open or reset')
    await reset(honest, 1)
    expect(honest.destroyed).to.equal(false)
    await stillServes()
  })

  for (const [what, first, frame] of FLOODS) {
    it(`fill no memory by ${what}, and keep nobody waiting`, async () => {
      const before = await rss()
      const wire = keep(await Wire.open({ port: server.ports.https, tls: true, alpn: ['h2'] }))
      wire.socket.pause()
      wire.write(Buffer.concat([PREFACE, first]))
      // 18 to 80 MB in all.
      for (let round = 0; round < 200 && !wire.isClosed; round++) {
        wire.write(Buffer.concat(Array<Buffer>(10_000).fill(frame)))
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (round % 50 === 0) await stillServes()
      }
      expect(await rss() - before).to.be.below(MAX_GROWTH)
      await wire.close()
      await stillServes()
    })
  }
})
