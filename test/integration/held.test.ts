import { expect } from 'chai'
import { connect } from 'node:http2'
import type { Options } from '../../lib/options/options.js'
import { TEST_CA } from '../support/certificates.js'
import { isRtmp, openClient, SPEECHES, speechesFor, type AnyClient, type Speech } from '../support/clients.js'
import { RawHttp, statusOf } from '../support/flv-clients.js'
import { hlsStream } from '../support/hls-files.js'
import { ANSWERS_BEFORE_STREAM, MOUNT } from '../support/hosts.js'
import type { TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { Wire } from '../support/wire.js'
import { withBackend } from '../support/with-server.js'

const OVERLOAD = 'too many requests are waiting, try again later\n'
const ELSEWHERE = '127.0.0.2'

describe('the places of those who wait', () => {
  const { backend, keep, start: startServer } = withBackend()
  beforeEach(() => backend.answer({ status: 200, hold: true }))

  const start = (options: Partial<Options>): Promise<TestServer> => startServer({ options: { timeoutMs: 60_000, commandTimeoutMs: 60_000, ...options }, files: hlsStream('live/s', { segments: 1 }) })
  const open = async (server: TestServer, speech: Speech, from: string): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: '/live/s', from }))
  /** One who has not said what he wants, and two who are asked for. */
  const takeThree = async (server: TestServer, from: readonly [string, string, string]): Promise<{ silent: Wire, held: AnyClient[] }> => {
    const silent = keep(await Wire.open({ port: server.ports.rtmp, localAddress: from[0] }))
    const held = [await open(server, 'http-flv', from[1]), await open(server, 'rtmps', from[2])]
    await until(() => backend.held().length === 2, 'two are asked for')
    await server.waitFor(({ auth }) => auth?.stats().held === 3)
    return { silent, held }
  }
  /** RTMP has no words before its handshake: such a connection is closed as it comes. */
  const expectRefused = async (server: TestServer, speech: Speech, from: string): Promise<void> => {
    if (isRtmp(speech)) {
      const wire = keep(await Wire.open({ port: server.ports[speech as 'rtmp' | 'rtmps'], localAddress: from }))
      await until(() => wire.isClosed, () => `the ${speech} connection is closed`)
      expect(wire.receivedBytes, speech).to.equal(0)
      return
    }
    const { flv, closed } = await open(server, speech, from)
    expect(await statusOf(flv!), speech).to.equal(503)
    expect(flv!.headers(), speech).to.include({ 'retry-after': '5', 'cache-control': 'no-store' })
    await closed
    expect(flv!.text(), speech).to.equal(OVERLOAD)
  }
  const expectAllRefused = async (server: TestServer, from: string): Promise<void> => {
    await Promise.all(SPEECHES.map((speech) => expectRefused(server, speech, from)))
    expect(backend.requests).to.have.length(2)
    const verdicts = (await server.verdicts()).map(({ verdict }) => verdict)
    expect(verdicts.map(({ allowed, source }) => [allowed, source])).to.deep.equal(SPEECHES.filter((speech) => !isRtmp(speech)).map(() => [false, 'overload']))
    expect(await server.evaluate(({ auth }) => auth?.stats().cutAtAccept)).to.equal(2)
    expect(await server.evaluate(({ auth }) => auth?.stats().held)).to.equal(3)
    expect(server.log()).to.match(/source=overload reason="too many clients are waiting/)
  }

  /** Who waits for a stream that nobody publishes is not always told. */
  const untilLetIn = async (clients: readonly AnyClient[]): Promise<void> => {
    for (const client of clients) if (isRtmp(client.speech) || ANSWERS_BEFORE_STREAM) expect(await client.told).to.equal('yes')
    expect(clients.map((client) => client.closedAt())).to.deep.equal(clients.map(() => 0))
  }

  it('are maxHeld for all, also under the default action allow; who is refused is told, and asked for by nobody', async () => {
    const server = await start({ maxHeld: 3, maxHeldPerIp: 0, defaultAction: 'allow' })
    const { silent, held } = await takeThree(server, [ELSEWHERE, '127.0.0.3', '127.0.0.4'])
    await expectAllRefused(server, '127.0.0.1')
    // A place is free once its client has left, or has been answered.
    await silent.close()
    await server.waitFor(({ auth }) => auth?.stats().held === 2)
    const next = await open(server, 'rtmp', '127.0.0.1')
    await until(() => backend.held().length === 3, 'the next is asked for')
    backend.release()
    await untilLetIn([...held, next])
    await server.waitFor(({ auth }) => auth?.stats().held === 0)
  })

  it('are maxHeldPerIp for each address, and others come in meanwhile', async () => {
    const server = await start({ maxHeld: 0, maxHeldPerIp: 3, defaultAction: 'allow' })
    const { held } = await takeThree(server, ['127.0.0.1', '127.0.0.1', '127.0.0.1'])
    await expectAllRefused(server, '127.0.0.1')
    const others = await Promise.all(SPEECHES.slice(0, 3).map((speech) => open(server, speech, ELSEWHERE)))
    await until(() => backend.held().length === 5, 'the others are asked for')
    backend.release()
    await untilLetIn([...held, ...others])
  })

  it('are counted by /64 where an address is IPv6', async () => {
    const server = await start({ maxHeldPerIp: 2, trustProxy: ['127.0.0.1'] })
    const { http: port } = server.ports
    const from = async (ip: string): Promise<RawHttp> =>
      keep(await RawHttp.open({ port, target: '/live/s.flv', headers: [`Host: 127.0.0.1:${port}`, `X-Forwarded-For: ${ip}`] }))
    await from('2001:db8::1')
    await from('2001:db8::2:3')
    await until(() => backend.held().length === 2, 'two are asked for')
    expect(await statusOf(await from('2001:db8::ffff:1:2:3'))).to.equal(503)
    await from('2001:db8:0:1::1')
    await until(() => backend.held().length === 3, 'another network is asked for')
  })

  it('are without limit at 0', async () => {
    const server = await start({ maxHeld: 0, maxHeldPerIp: 0 })
    const many = 250
    for (let count = 0; count < many; count++) keep(await Wire.open({ port: server.ports.rtmp }))
    await server.waitFor(({ auth }, count: number) => auth?.stats().held === count, many)
    const client = await open(server, 'rtmp', '127.0.0.1')
    await until(() => backend.release() === 1, 'one more is asked for')
    expect(await client.told).to.equal('yes')
    expect(await server.evaluate(({ auth }) => auth?.stats().cutAtAccept)).to.equal(0)
  })

  it('hold 64 MiB together, over WebSocket, too: the newest are cut, and the log says so', async function () {
    this.timeout(60_000)
    const server = await start({ maxHeld: 0, maxHeldPerIp: 0 })
    const bytes = Buffer.alloc(128 * 1024)
    let wires: Wire[] = []
    for (let n = 0; n < 11; n += 1) {
      const more = await Promise.all(Array.from({ length: 100 }, async () => {
        const { wire } = keep(await RawHttp.open({ port: server.ports.http, target: '/live/s', headers: RawHttp.upgradeHeaders(server.ports.http) }))
        wire.write(bytes)
        return wire
      }))
      wires = [...wires, ...more]
    }
    await until(() => server.log().includes('the clients that wait use too much memory'), 'one is cut', 30_000)
    expect(wires[0]?.isClosed, 'the oldest stays').to.equal(false)
  })

  for (const [who, method, path] of [
    ['publishers over HTTP, too, whose bodies are coming already', 'POST', '/live/s'],
    ['viewers of live streams, too, who send a body', 'GET', '/live/s'],
    ['viewers of files, too, who send a body', 'GET', `${MOUNT}/live/s`]
  ] as const) {
    // Nobody publishes over HTTP to version 2.
    if (method === 'POST' && !speechesFor('publish').includes('http-flv')) continue
    it(`hold 64 MiB together, ${who}`, async function () {
      this.timeout(60_000)
      const server = await start({ maxHeld: 0, maxHeldPerIp: 0 })
      const wires: Wire[] = []
      for (let n = 0; n < 900; n += 100) {
        wires.push(...await Promise.all(Array.from({ length: 100 }, async (_, more) => {
          const wire = keep(await Wire.open({ port: server.ports.http }))
          wire.write(`${method} ${path}${n + more}.${path.startsWith('/live') ? 'flv' : 'ts'} HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n`)
          return wire
        })))
      }
      await until(() => server.log().includes('the clients that wait use too much memory'), 'one is cut', 30_000)
      await until(() => wires.filter(({ isClosed }) => isClosed).length === 900 - 819, 'those are cut who are too many')
      expect(wires[0]?.isClosed, 'the oldest stays').to.equal(false)
      expect(await server.evaluate(({ auth }) => auth?.stats().held)).to.equal(819)
    })
  }

  it('hold 64 MiB together, over HTTP/2, too, where a client may send a body behind any request', async function () {
    this.timeout(60_000)
    const server = await start({ maxHeld: 0, maxHeldPerIp: 0 })
    let left = 0
    for (let n = 0; n < 9; n += 1) {
      const session = connect(`https://127.0.0.1:${server.ports.https}`, { ca: TEST_CA })
      keep({ close: () => session.destroy() })
      session.on('error', () => undefined)
      for (let more = 0; more < 100; more += 1) {
        const stream = session.request({ ':path': `${MOUNT}/live/s${n}/${more}.ts` }, { endStream: false })
        stream.on('error', () => undefined).on('close', () => { left += 1 })
      }
      await server.waitFor(({ auth }, count: number) => (auth?.stats().held ?? 0) >= Math.min(819, count), (n + 1) * 100)
    }
    await until(() => left === 900 - 819, 'those are cut who are too many', 30_000)
    expect(await server.evaluate(({ auth }) => auth?.stats().held)).to.equal(819)
  })
})
