import fc, { type Arbitrary } from 'fast-check'
import type { Speech } from '../support/clients.js'
import { COMMAND, RtmpClient } from '../support/rtmp-client.js'
import { encodeAmfs, type AmfValue } from '../support/amf.js'
import { MOUNT } from '../support/hosts.js'
import { toChunks } from '../support/rtmp-chunks.js'
import { rtmpBytes } from './rtmp-input.js'
import { httpText, httpFrames } from './http-input.js'

/** Bytes of one connection that can be made as long as one likes: the unit is repeated. */
export interface CostInput {
  /** How they are spoken, and what an honest join is. */
  readonly speech: Speech
  readonly head: Buffer
  readonly unit: Buffer
  readonly tail: Buffer
  /** The most that is sent, in bytes: where Node takes no more than 16 KiB of headers, less than 64 KB. */
  readonly bytes: number
}

/** What stands for a new stream's id in a frame of HTTP/2. */
export const NEXT_STREAM = 0x7fffffff

/** Puts ids in: each unit is about a stream of its own. */
const withStream = (frames: Buffer, id: number): Buffer => {
  const own = Buffer.from(frames)
  for (let at = 0; at + 9 <= own.length; at += 9 + own.readUIntBE(at, 3)) {
    if (own.readUInt32BE(at + 5) === NEXT_STREAM) own.writeUInt32BE(id, at + 5)
  }
  return own
}

/** The input at a length. */
export const atLength = ({ speech, head, unit, tail }: CostInput, bytes: number): Buffer => {
  const times = Math.max(1, Math.ceil((bytes - head.length - tail.length) / unit.length))
  const units = speech === 'https-flv over HTTP/2' ? Array.from({ length: times }, (_, index) => withStream(unit, 2 * index + 1)) : Array<Buffer>(times).fill(unit)
  return Buffer.concat([head, ...units, tail])
}

const MOST = 64 * 1024
const NOTHING = Buffer.alloc(0)
const HANDSHAKE = Buffer.concat([RtmpClient.hello().fill(0, 1), Buffer.alloc(1536)])
const command = (...values: AmfValue[]): Buffer => toChunks({ type: COMMAND, streamId: 1, timestamp: 0, payload: encodeAmfs(...values) })
const CONNECT = command('connect', 1, { app: 'live', tcUrl: 'rtmp://h/live' })

const opening = fc.constantFrom(
  [HANDSHAKE], [HANDSHAKE, CONNECT], [HANDSHAKE, CONNECT, command('createStream', 2, null)],
  ...['play', 'publish'].flatMap((action) => ['123', '1'].map((token) => [HANDSHAKE, CONNECT, command(action, 3, null, `cost?token=${token}`)]))
).map((parts) => Buffer.concat(parts))

export const rtmpCost: Arbitrary<CostInput> = fc.record({
  speech: fc.constantFrom<Speech>('rtmp', 'rtmps'), head: opening, unit: rtmpBytes.filter(({ length }) => length > 0 && length < 4000),
  tail: fc.constant(NOTHING), bytes: fc.constant(MOST)
})

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
/** What one may repeat, and between what. */
const GROWING: readonly [head: string, tail: string][] = [
  ['GET /live/x', '.flv?token=1 HTTP/1.1\r\nHost: h\r\n\r\n'], [`GET ${MOUNT}/live/s/`, ' HTTP/1.1\r\nHost: h\r\n\r\n'],
  [`GET ${MOUNT}/live/s/index.m3u8?token=123&`, ' HTTP/1.1\r\nHost: h\r\n\r\n'], ['GET /live/x.flv?token=1&', ' HTTP/1.1\r\nHost: h\r\n\r\n'],
  ...['Host', 'Range', 'If-None-Match', 'If-Range', 'Accept-Encoding', 'Cookie', 'User-Agent', 'Origin', 'X-Forwarded-For', 'Content-Type', 'X'].map((name): [string, string] =>
    [`GET ${MOUNT}/live/s/index.m3u8?token=123 HTTP/1.1\r\n${name === 'Host' ? '' : 'Host: h\r\n'}${name}: `, '\r\n\r\n'])
]
const line = fc.tuple(fc.constantFrom(...GROWING), httpText).map(([[head, tail], unit]) => ({ head: latin1(head), unit: latin1(unit), tail: latin1(tail), bytes: 14_000 }))
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
const frames = fc.tuple(fc.constantFrom('1', '123'), fc.constantFrom('', 'Sec-WebSocket-Protocol: post\r\n'), httpFrames).map(([token, protocol, unit]) => (
  { head: latin1(`GET /live/cost?token=${token} HTTP/1.1\r\nHost: h\r\n${UPGRADE}${protocol}\r\n`), unit, tail: NOTHING, bytes: MOST }))
const http1 = (content: typeof line, ...speeches: Speech[]): Arbitrary<CostInput> =>
  fc.tuple(fc.constantFrom(...speeches), content).map(([speech, own]) => ({ speech, ...own }))

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
/** A request as HPACK has it without its tables: `GET`, `https`, a path, the authority `h`. */
export const hpackRequest = (path: string): Buffer => Buffer.concat([Buffer.from([0x82, 0x87, 0x04, path.length]), latin1(path), Buffer.from([0x01, 1, 0x68])])
export const HTTP2_PREFACE = Buffer.concat([latin1('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, NOTHING)])
/** A request that is reset at once. */
export const hpackReset = (path: string): Buffer => Buffer.concat([frame(1, 5, NEXT_STREAM, hpackRequest(path)), frame(3, 0, NEXT_STREAM, Buffer.from([0, 0, 0, 8]))])

const bytes = (most: number): Arbitrary<Buffer> => fc.uint8Array({ maxLength: most }).map((array) => Buffer.from(array))
const http2Unit = fc.oneof(
  fc.constantFrom('/live/cost.flv?token=1', '/live/cost.flv?token=123', `${MOUNT}/live/s/index.m3u8?token=1`, '/x').map(hpackReset),
  fc.tuple(fc.nat(10), fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0xff), fc.constantFrom(0, 1, NEXT_STREAM), fc.oneof(bytes(20), fc.constant(Buffer.alloc(8)), fc.constant(Buffer.alloc(4))))
    .map((parts) => frame(...parts)))
const http2: Arbitrary<CostInput> = fc.array(http2Unit, { minLength: 1, maxLength: 3 }).map((unit) => (
  { speech: 'https-flv over HTTP/2', head: HTTP2_PREFACE, unit: Buffer.concat(unit), tail: NOTHING, bytes: MOST }))

export const httpCost: Arbitrary<CostInput> = fc.oneof(
  { weight: 3, arbitrary: http1(line, 'http-flv', 'https-flv') }, { weight: 2, arbitrary: http1(frames, 'ws-flv', 'wss-flv') }, { weight: 2, arbitrary: http2 })
