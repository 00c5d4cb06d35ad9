import { expect } from 'chai'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { TEST_CA } from '../support/certificates.js'
import { openClient } from '../support/clients.js'
import { ANSWERS_BEFORE_STREAM } from '../support/hosts.js'
import { RtmpClient } from '../support/rtmp-client.js'
import type { Ports, TestServer } from '../support/server.js'
import { sleep, until } from '../support/waiting.js'
import { Wire, type WireOptions } from '../support/wire.js'
import { withBackend } from '../support/with-server.js'

const DEADLINE_MS = 2000
const LATE_MS = 1700
/** The first bytes of a TLS handshake: a record that announces more than there is. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])

/** How far a client goes that never says what it wants. */
const SLOW: Readonly<Record<string, (ports: Ports) => Promise<Wire>>> = {
  'nothing on RTMP': ({ rtmp }) => Wire.open({ port: rtmp }),
  'nothing on RTMPS': ({ rtmps }) => Wire.open({ port: rtmps }),
  'half a TLS handshake': ({ rtmps }) => saying(HALF_HELLO, { port: rtmps }),
  'a TLS handshake': ({ rtmps }) => Wire.open({ port: rtmps, tls: true }),
  'a late TLS handshake': async ({ rtmps }) => {
    const wire = await Wire.open({ port: rtmps })
    await sleep(LATE_MS)
    const secure = connectTls({ socket: wire.socket, ca: TEST_CA }).on('error', () => undefined)
    await once(secure, 'secureConnect')
    return wire
  },
  'half an RTMP handshake': ({ rtmp }) => saying(RtmpClient.hello().subarray(0, 700), { port: rtmp }),
  'half an RTMP handshake over TLS': ({ rtmps }) => saying(RtmpClient.hello().subarray(0, 700), { port: rtmps, tls: true }),
  'a handshake without a command': async ({ rtmp }) => {
    const client = await RtmpClient.open({ port: rtmp })
    await client.handshake()
    return client.wire
  },
  'neither play nor publish': async ({ rtmp }) => (await RtmpClient.connected({ port: rtmp })).wire,
  'neither play nor publish over TLS': async ({ rtmps }) => (await RtmpClient.connected({ port: rtmps, tls: true })).wire
}

const saying = async (bytes: Buffer, options: WireOptions): Promise<Wire> => {
  const wire = await Wire.open(options)
  wire.write(bytes)
  return wire
}

describe('commandTimeoutMs', () => {
  const { backend, keep, start: startServer } = withBackend()

  const start = (commandTimeoutMs: number): Promise<TestServer> => startServer({ options: { timeoutMs: 20_000, commandTimeoutMs } })

  it('cuts who has not said by then what he wants, counted from TCP, and nobody whom the backend lets wait', async () => {
    const server = await start(DEADLINE_MS)
    backend.answer({ status: 200, hold: true })
    const held = await Promise.all((['rtmp', 'rtmps'] as const).map(async (speech) =>
      keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: '/live/s' }))))
    await Promise.all(Object.entries(SLOW).map(async ([said, say]) => {
      const from = Date.now()
      const wire = keep(await say(server.ports))
      await until(() => wire.isClosed, () => `${said} is cut`)
      // Counted from the late TLS handshake it would be this long.
      expect(wire.closedAt - from, said).to.be.within(DEADLINE_MS - 10, LATE_MS + DEADLINE_MS)
    }))
    expect(await server.evaluate(({ auth, context }) => [auth?.stats().held, context.sessions.size])).to.deep.equal([2, 2])
    expect(held.map((client) => [client.answer(), client.closedAt()])).to.deep.equal([[undefined, 0], [undefined, 0]])
    await until(() => backend.held().length === 2, 'both are asked for')
    backend.release()
    for (const client of held) expect(await client.told).to.equal('yes')
    expect((await server.events()).map(({ event }) => event)).to.have.members(ANSWERS_BEFORE_STREAM ? ['prePlay', 'postPlay', 'prePlay', 'postPlay'] : ['prePlay', 'prePlay'])
  })

  it('is no limit at 0', async () => {
    const server = await start(0)
    const client = keep(await RtmpClient.open({ port: server.ports.rtmp }))
    const secure = keep(await RtmpClient.open({ port: server.ports.rtmps, tls: true }))
    await sleep(300)
    for (const each of [client, secure]) {
      await each.handshake()
      await each.connect()
      await each.createStream()
      each.play('s?token=123')
      await each.status('NetStream.Play.Start')
    }
  })
})
