import { expect } from 'chai'
import { RawHttp, statusOf } from '../support/flv-clients.js'
import { encodeAmfs, type AmfValue } from '../support/amf.js'
import { toChunks } from '../support/rtmp-chunks.js'
import { COMMAND, RtmpClient, SET_CHUNK_SIZE } from '../support/rtmp-client.js'
import type { TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { Wire } from '../support/wire.js'
import { withBackend } from '../support/with-server.js'

describe('nobody is refused in silence', () => {
  const { keep, start } = withBackend()
  let server: TestServer
  beforeEach(async () => { server = await start({ config: { static: { router: '/static', root: '.' } }, options: { commandTimeoutMs: 300 } }) })

  const lastVerdict = async (count: number): Promise<string> => {
    await server.waitFor(({ auth }, least: number) => {
      const sum = (value: object): number => Object.values(value).reduce((total: number, one: unknown) => total + (typeof one === 'number' ? one : sum(one as object)), 0)
      return sum(auth!.stats().verdicts) >= least
    }, count)
    const verdicts = await server.verdicts()
    expect(verdicts).to.have.length(count)
    const { allowed, source, reason } = verdicts.at(-1)!.verdict
    return `${allowed ? 'allowed' : 'denied'} by ${source}: ${reason}`
  }

  it('a second command on an RTMP connection', async () => {
    const client = keep(await RtmpClient.player({ port: server.ports.rtmp }, 's?token=123'))
    client.play('other?token=123')
    await client.status('NetStream.Play.Failed')
    expect(await lastVerdict(2)).to.equal('denied by malformed: a stream runs on this connection; end it with closeStream or deleteStream before the next play')
  })

  for (const [what, target, method, reason] of [
    ['a live stream', '/live/s.flv?token=123', 'PUT', 'GET plays, POST publishes'],
    ['a file', '/static/live/s/index.m3u8', 'POST', 'GET and HEAD only']
  ] as const) {
    it(`a method that ${what} does not have`, async () => {
      const client = keep(await RawHttp.open({ port: server.ports.http, target, method }))
      expect(await statusOf(client)).to.equal(405)
      expect(await lastVerdict(1)).to.equal(`denied by malformed: ${reason}`)
      expect(server.log()).to.include(reason)
    })
  }

  for (const [what, reason, line, send] of [
    ['says nothing in time', 'timeout', 'no command in time', (): Buffer => RtmpClient.hello()],
    ['sends what cannot be read', 'malformed', 'what it sent cannot be read', (): Buffer =>
      Buffer.concat([RtmpClient.blindHandshake(), Buffer.from([3, 0, 0, 0, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0, 0])])],
    ['sends without end and says nothing', 'overflow', 'it sent too much before a command', (): Buffer =>
      Buffer.concat([RtmpClient.blindHandshake(), Buffer.alloc(70 * 1024)])]
  ] as const) {
    it(`an RTMP connection that ${what}`, async () => {
      const wire = keep(await Wire.open({ port: server.ports.rtmp }))
      wire.write(send())
      await until(() => wire.isClosed, 'it is cut')
      expect(await server.evaluate(({ auth }) => auth!.stats().cuts)).to.deep.equal({ [reason]: 1 })
      expect(server.log()).to.include(`info [http-auth] cut a connection: ${line} ip=127.0.0.1 reason=${reason}`)
    })
  }

  const afterHandshake = (...bytes: Buffer[]): Buffer => Buffer.concat([RtmpClient.blindHandshake(), ...bytes])
  const message = (type: number, payload: Buffer): Buffer => toChunks({ type, streamId: 0, timestamp: 0, payload }, { chunkSize: 128 })
  const connecting = (fields: Readonly<Record<string, AmfValue>>): Buffer => message(COMMAND, encodeAmfs('connect', 1, { app: 'live', ...fields }))
  for (const [what, detail, bytes] of [
    ['begins with a PROXY header', 'it begins with a PROXY header, and the option proxyProtocol is not set for this port', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 50000 1935\r\n')],
    ['begins with a binary PROXY header', 'it begins with a PROXY header, and the option proxyProtocol is not set for this port', Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1')],
    ['begins with HTTP', 'it begins with HTTP, and this port speaks RTMP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['begins with TLS', 'it begins with TLS, and this port speaks RTMP without it', Buffer.from('16030100c2010000be0303', 'hex')],
    ['connects with an array of arrays without end', 'values within each other, more than 16 deep', afterHandshake(message(COMMAND, Buffer.concat([encodeAmfs('connect', 1), Buffer.from('0800000001000161'.repeat(1800), 'hex')])))],
    ['sends 33 messages', 'too many messages before a command', afterHandshake(...Array.from({ length: 33 }, () => message(3, Buffer.alloc(4))))],
    ['sends messages that node-media-server drops', 'too many messages before a command', afterHandshake(Buffer.from('03ffffff0000010300000000fffffffe00', 'hex'), ...Array.from({ length: 40 }, () => Buffer.from('43ffffff00000114fffffffeff', 'hex')))],
    ['sends a command that cannot be read', 'a command without a name', afterHandshake(message(COMMAND, Buffer.of(0xff)))],
    ['asks for chunks of one byte', 'chunks that are too small', afterHandshake(message(SET_CHUNK_SIZE, Buffer.of(0, 0, 0, 1)))],
    ['has no tcUrl', 'connect without a tcUrl', afterHandshake(connecting({}))],
    ['has a tcUrl that is none', 'tcUrl is no URL', afterHandshake(connecting({ tcUrl: 'live' }))],
    ['has a tcUrl with a host of 5,250 characters', 'host too long', afterHandshake(connecting({ tcUrl: `http://${Array.from({ length: 3000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')}` }))],
    ['connects twice', 'a second connect', afterHandshake(...[1, 2].map(() => connecting({ tcUrl: 'rtmp://h/live' })))]
  ] as const) {
    it(`an RTMP connection that ${what}`, async () => {
      const wire = keep(await Wire.open({ port: server.ports.rtmp }))
      wire.write(bytes)
      await until(() => wire.isClosed, 'it is cut')
      expect(await server.evaluate(({ auth }) => auth!.stats().cuts)).to.deep.equal({ [detail.startsWith('too many') ? 'overflow' : 'malformed']: 1 })
      await until(() => server.log().includes(` detail="${detail}"`), () => `it is told; the log: ${server.log()}`)
    })
  }

  it('an endless row of commands that cannot be read costs one line, of node-media-server, too', async () => {
    const before = server.log().split('\n').length
    const wire = keep(await Wire.open({ port: server.ports.rtmp }))
    wire.write(afterHandshake(Buffer.from('030000000000011400000000ff', 'hex'), ...Array.from({ length: 31_000 }, () => Buffer.from('c3ff', 'hex'))))
    await until(() => wire.isClosed, 'it is cut')
    await until(() => server.log().includes('a command without a name'), 'it is told')
    expect(server.log().split('\n').length - before).to.be.below(5)
  })
})
