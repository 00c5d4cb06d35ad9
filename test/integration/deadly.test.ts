import { expect } from 'chai'
import { AmfRaw, encodeAmf, encodeAmfs, type AmfValue } from '../support/amf.js'
import { isRtmp, openClient, speechesFor, type AnyClient } from '../support/clients.js'
import { RawHttp } from '../support/flv-clients.js'
import { FLV_HEADER, flvTag } from '../support/flv.js'
import { IS_V2 } from '../support/hosts.js'
import { keepPublishing } from '../support/media.js'
import { AUDIO, COMMAND, DATA, RtmpClient, SET_CHUNK_SIZE, VIDEO } from '../support/rtmp-client.js'
import { toChunks } from '../support/rtmp-chunks.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const message = (type: number, payload: Buffer, chunkSize = 128): Buffer => toChunks({ type, streamId: 1, timestamp: 0, payload }, { chunkSize })
const command = (...values: AmfValue[]): Buffer => message(COMMAND, encodeAmfs(...values))
const nested = (depth: number): Buffer => Buffer.from('03000161'.repeat(depth), 'hex')
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const oneByteChunks = message(SET_CHUNK_SIZE, number(1))

/** Messages of which each ends the process of a node-media-server that stands alone, or blocks it. */
const DEADLY: readonly (readonly [string, Buffer])[] = [
  ['connect without a tcUrl', command('connect', 1, { app: 'live' })],
  ['connect with a tcUrl that is no URL', command('connect', 1, { app: 'live', tcUrl: 'nonsense' })],
  ['connect with a number for a tcUrl', command('connect', 1, { app: 'live', tcUrl: 7 })],
  ['connect with null for an object', command('connect', 1, null)],
  ['connect without anything', command('connect')],
  ['play without a name', command('play', 3, null)],
  ['play with a number for a name', command('play', 3, null, 7)],
  ['play with an object for a name', command('play', 3, null, { split: 'x' })],
  ['publish without a name', command('publish', 3, null)],
  ['publish with null for a name', command('publish', 3, null, null, 'live')],
  ['an empty set-chunk-size', message(SET_CHUNK_SIZE, Buffer.alloc(0))],
  ['a short set-chunk-size', message(SET_CHUNK_SIZE, Buffer.alloc(2))],
  ['a chunk size of 0', Buffer.concat([message(SET_CHUNK_SIZE, number(0)), command('createStream', 2, null)])],
  ['a chunk size of 4294967295', Buffer.concat([message(SET_CHUNK_SIZE, number(0xffffffff)), command('createStream', 2, null)])],
  ['an empty window-acknowledgement', message(5, Buffer.alloc(0))],
  ['an empty command', message(COMMAND, Buffer.alloc(0))],
  ['an empty AMF3 command', message(17, Buffer.alloc(0))],
  ['an AMF3 command of one byte', message(17, Buffer.alloc(1))],
  ['a truncated command', message(COMMAND, encodeAmf('connect').subarray(0, 6))],
  ['a command with a string longer than itself', message(COMMAND, Buffer.from('02ffff61', 'hex'))],
  ['an AMF type that is not known', command('play', 3, new AmfRaw(Buffer.from([0x0d])))],
  ['an empty video message', message(VIDEO, Buffer.alloc(0))],
  ['a video message of one byte', message(VIDEO, Buffer.from([0x17]))],
  ['an empty audio message', message(AUDIO, Buffer.alloc(0))],
  ['an empty data message', message(DATA, Buffer.alloc(0))],
  ['a data message of an unknown AMF type', message(DATA, Buffer.from([0x0d]))],
  ['an empty AMF3 data message', message(15, Buffer.alloc(0))],
  ['metadata that is null', message(DATA, encodeAmfs('@setDataFrame', 'onMetaData', null))],
  ['metadata without an object', message(DATA, encodeAmfs('@setDataFrame', 'onMetaData'))],
  ['an object that is nested 15,000 deep', message(COMMAND, Buffer.concat([encodeAmfs('connect', 1), nested(15_000)]))],
  ['metadata that is nested 15,000 deep', message(DATA, Buffer.concat([encodeAmfs('@setDataFrame', 'onMetaData'), nested(15_000)]))],
  ['a command of 16 MB', message(COMMAND, Buffer.concat([encodeAmfs('connect', 1), Buffer.from('0cffffff'.padEnd(10, '0'), 'hex'), Buffer.alloc(0xffffff - 30, 97)]), 0xffff)],
  ['256 messages of 16 MB that have just begun', Buffer.concat([oneByteChunks, ...Array.from({ length: 256 }, (_, index) =>
    toChunks({ type: VIDEO, streamId: 1, timestamp: 0, payload: Buffer.from([0x17]) }, { chunkStream: 64 + index, chunkSize: 1, claimedLength: 0xffffff }))])],
  ['a header that changes what a begun message is', Buffer.concat([
    toChunks({ type: VIDEO, streamId: 1, timestamp: 0, payload: Buffer.alloc(128, 0x17) }, { chunkStream: 9, claimedLength: 60_000 }),
    toChunks({ type: COMMAND, streamId: 1, timestamp: 0, payload: Buffer.from([2]) }, { chunkStream: 9, claimedLength: 1 })])],
  ['bytes that are no chunk stream', Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 167 + 13) % 256))]
]

const WEBSOCKET_TARGETS = [
  '/', '', '*', '//', '/live', '/live/', '/live/a%20b.flv', '/live/a%20b', '/live/%00', '/live/..%2fs', '/live/s.anything', '/live/s/more',
  'http://x/live/a%20b', '/live/s#x', '?', '/%', '/live/%E0%A4%A'
]
const HTTP_TARGETS = ['/live/a%20b.flv', '/live/%.flv', '/live/%E0%A4%A.flv', '/live/.flv', '//.flv', '/live/%00.flv', '/live/s.FLV', '/live/%73.flv', '/live/s.flv/', '/live/s.flv#x']

/** What a publisher over HTTP or WebSocket can send once it may. */
const DEADLY_FLV: readonly (readonly [string, Buffer])[] = [
  ['bytes that are no FLV', Buffer.alloc(200, 7)],
  ['an empty video tag', Buffer.concat([FLV_HEADER, flvTag({ type: 9, timestamp: 0, payload: Buffer.alloc(0) })])],
  ['a video tag of one byte', Buffer.concat([FLV_HEADER, flvTag({ type: 9, timestamp: 0, payload: Buffer.from([0x17]) })])],
  ['an empty audio tag', Buffer.concat([FLV_HEADER, flvTag({ type: 8, timestamp: 0, payload: Buffer.alloc(0) })])],
  ['an empty script tag', Buffer.concat([FLV_HEADER, flvTag({ type: 18, timestamp: 0, payload: Buffer.alloc(0) })])],
  ['a script tag of an unknown AMF type', Buffer.concat([FLV_HEADER, flvTag({ type: 18, timestamp: 0, payload: Buffer.from([0x0d]) })])],
  ['metadata that is null', Buffer.concat([FLV_HEADER, flvTag({ type: 18, timestamp: 0, payload: encodeAmfs('onMetaData', null) })])],
  ['metadata that is nested 15,000 deep', Buffer.concat([FLV_HEADER, flvTag({ type: 18, timestamp: 0, payload: Buffer.concat([encodeAmfs('onMetaData'), nested(15_000)]) })])],
  ['a tag of 16 MB that has just begun', Buffer.concat([FLV_HEADER, Buffer.from('09ffffff00000000000000ff', 'hex')])]
]

describe('one message, which would end a node-media-server that stands alone,', function () {
  let viewer: AnyClient
  const { backend, server, keep, last } = withServer({ options: { defaultAction: 'allow', log: 'none' }, config: { auth: { play: false, publish: false, secret: 'x' } } })
  before(async () => {
    const publisher = last(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/good', query: 'token=123' }))
    await publisher.told
    last(keepPublishing(publisher, { frameBytes: 2000, everyMs: 10 }))
    viewer = last(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: '/live/good', query: 'token=123' }))
    await viewer.waitForMedia()
  })
  afterEach(async () => {
    expect(server.running).to.equal(true)
    await viewer.waitForMedia(viewer.mediaBytes() + 6000)
  })

  /** Bytes that NMS has been given until now; version 2 counts them at its sockets. */
  const bytesIn = (): Promise<number> => server.evaluate(({ context }) => (context.networkStats as { inBytes: number } | undefined)?.inBytes ??
    [...context.sessions.values()].reduce((sum, session) => sum + ((session as { socket?: { bytesRead: number } }).socket?.bytesRead ?? 0), 0))

  /** Until whatever it does is done: the connection is cut, or NMS has answered a question behind it. */
  const settled = async (client: RtmpClient): Promise<void> => {
    const seen = await bytesIn()
    client.wire.write(Buffer.from([2]))
    await until(async () => client.wire.isClosed || client.wire.endedAt > 0 || await bytesIn() > seen, 'the message is read')
  }

  for (const [what, bytes] of DEADLY) {
    it(`harms nobody by RTMP: ${what}`, async () => {
      const { rtmp, rtmps } = server.ports
      const early = keep(await RtmpClient.open({ port: rtmp }))
      await early.handshake()
      const connected = keep(await RtmpClient.connected({ port: rtmps, tls: true }))
      const player = keep(await RtmpClient.player({ port: rtmp }, 'good?token=123'))
      const publisher = keep(await RtmpClient.publisher({ port: rtmp }, `bad-${DEADLY.findIndex(([name]) => name === what)}?token=123`))
      // The publisher has said in what pieces it sends; here all are sent as by default.
      publisher.setChunkSize(128)
      for (const client of [early, connected, player, publisher]) {
        client.wire.write(bytes)
        await settled(client)
      }
    })
  }

  for (const [what, bytes] of DEADLY_FLV) {
    for (const speech of speechesFor('publish').filter((each) => !isRtmp(each))) {
      it(`harms nobody by ${speech}: ${what}`, async () => {
        const streamPath = `/live/flv-${DEADLY_FLV.findIndex(([name]) => name === what)}-${speech.length}`
        const publisher = keep(await openClient({ ports: server.ports, speech, action: 'publish', streamPath, query: 'token=123' }))
        await server.waitForEvent({ event: 'postPublish', streamPath })
        const player = keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: '/live/good', query: 'token=123' }))
        await player.waitForMedia()
        for (const client of [publisher, player]) client.flv!.send(bytes)
        await server.waitFor(({ context }, of: string) => [...context.sessions.values()].every((session) => session.streamPath !== of || session.inBytes > 0), streamPath)
      })
    }
  }

  for (const target of WEBSOCKET_TARGETS) {
    it(`harms nobody by WebSocket: ${target}`, async () => {
      for (const [port, tls] of IS_V2 ? [[server.ports.http, false]] as const : [[server.ports.http, false], [server.ports.https, true]] as const) {
        const client = keep(await RawHttp.open({ port, tls, target: `${target}${target.includes('#') ? '' : '?token=123'}`, headers: RawHttp.upgradeHeaders(port) }))
        await until(() => client.closedAt > 0 || client.headers()['connection'] !== undefined, 'an answer')
        expect(await client.status).to.not.equal(101)
      }
    })
  }
  for (const target of HTTP_TARGETS) {
    it(`harms nobody by HTTP: ${target}`, async () => {
      const asked = backend.requests.length
      const client = keep(await RawHttp.open({ port: server.ports.http, target: target.includes('#') ? target : `${target}?token=123` }))
      await until(() => client.closedAt > 0 || client.headers()['connection'] !== undefined, 'an answer')
      expect(await client.status).to.be.within(400, 499)
      expect(client.flv.bytes).to.equal(0)
      expect(backend.requests).to.have.length(asked)
    })
  }

  const signed = (on: boolean): Promise<void> => server.evaluate(({ context, nms }, play: boolean) => {
    const { config } = 'config' in context ? context : nms as unknown as { config: Record<string, unknown> }
    config['auth'] = { play, publish: play, secret: 'x' }
  }, on)

  it('harms nobody by a query that NMS\'s own signature check cannot read', async () => {
    await signed(true)
    try {
      for (const action of ['play', 'publish'] as const) for (const speech of speechesFor(action)) {
        const client = keep(await openClient({ ports: server.ports, speech, action, streamPath: action === 'play' ? '/live/good' : '/live/signed', query: 'token=123&sign=1&sign=2' }))
        // Express waits for the whole body before it says that something failed.
        if (action === 'publish' && speech.includes('http')) await until(() => backend.requests.length > 0, 'asked')
        else await until(() => client.closedAt() > 0 || client.answer() !== undefined, 'an answer')
      }
    } finally {
      await signed(false)
    }
  })

  it('leaves nothing behind', async () => {
    await server.waitFor(({ context }) => context.sessions.size === 2)
    await server.waitFor(({ auth }) => auth?.stats().held === 0)
  })
})
