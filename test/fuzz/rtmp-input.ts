import fc, { type Arbitrary } from 'fast-check'
import { alienMedia } from '../integration/hostile/attack.js'
import { AmfRaw, encodeAmf, encodeAmfs, type AmfValue } from '../support/amf.js'
import { chunksOf, type ChunkOptions, type RtmpMessage } from '../support/rtmp-chunks.js'
import { delivered, often, type Delivery } from './delivery.js'

/** C0, C1 and C2. */
export const HANDSHAKE_BYTES = 3073

interface Piece extends RtmpMessage, ChunkOptions {
  /** Its chunks and those of the message behind it take turns. */
  readonly interleaved: boolean
}

const nested = (depth: number): AmfRaw => new AmfRaw(Buffer.from('03000161'.repeat(depth), 'hex'))
const bytes = (maxLength: number): Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const part = (text: Buffer, share: number): Buffer => text.subarray(0, Math.floor(text.length * share / 100))

const amf = fc.letrec<{ value: AmfValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<AmfValue>(null, undefined, true, 0, 1, -1, NaN, Infinity, '', 'live', 'split', 'x'.repeat(300)),
    fc.constantFrom<AmfValue>(nested(40), nested(3000), new AmfRaw(Buffer.from([0x11, 0x0a, 0x01]))),
    fc.double(), fc.string({ unit: 'grapheme', maxLength: 8 }), bytes(6).map((raw) => new AmfRaw(raw)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('app', 'tcUrl', 'a', '', '__proto__', 'split'), tie('value'), { maxKeys: 3 })
  )
})).value

const query = fc.oneof(
  { weight: 4, arbitrary: fc.constant('?token=123') },
  { weight: 3, arbitrary: fc.constant('?token=1') },
  { weight: 1, arbitrary: fc.constantFrom(
    '', '?token=1&token=123', '??token=123', '?token=123#x', '?token=123\0', '?to%6ben=123', '?token=123&x=\r\nX-Real-Ip: 1.2.3.4',
    `?token=123&${'q'.repeat(6000)}`) })
const stream = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('target', 'target', 'calm', 'own-1', 'own-2', 'own-3') },
  { weight: 1, arbitrary: fc.constantFrom('', 'a b', '../target', 'target\0', 'né', 'target.flv') })
const name: Arbitrary<AmfValue> = fc.oneof({ weight: 9, arbitrary: fc.tuple(stream, query).map((parts) => parts.join('')) }, amf)
const fields: Arbitrary<AmfValue> = fc.oneof(
  { weight: 9, arbitrary: fc.record({
    app: often<AmfValue>('live', '', 'live/', 'live?token=123', 7, null),
    tcUrl: often<AmfValue>('rtmp://127.0.0.1/live', 'rtmp://x y/live', 'nonsense', 7),
    flashVer: often<AmfValue>('LNX 9,0,124,2', '', 'a\r\nb', 'u'.repeat(3000)), objectEncoding: fc.constantFrom(0, 3)
  }) },
  amf)

const connect = fields.map((own) => encodeAmfs('connect', 1, own))
const createStream = fc.constant(encodeAmfs('createStream', 2, null))
const ask = fc.tuple(fc.constantFrom('play', 'publish'), name).map(([action, own]) => encodeAmfs(action, 3, null, own, 'live'))
const anyCommand = fc.tuple(
  fc.constantFrom<AmfValue>(
    'connect', 'createStream', 'play', 'publish', 'deleteStream', 'closeStream', 'releaseStream', 'FCPublish', 'pause', 'seek',
    '_result', 'onStatus', 'constructor', '', 7),
  fc.array(fc.oneof(amf, name), { maxLength: 5 })
).map(([command, values]) => encodeAmfs(command, ...values))
const command = fc.oneof(connect, createStream, ask, anyCommand)

const u32 = fc.constantFrom(0, 1, 2, 100, 128, 4096, 65_535, 0x7fffffff, 0x80000000, 0xffffffff).map((value) => {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(value)
  return payload
})
const MEDIA = alienMedia()

type Content = Pick<Piece, 'type' | 'payload'>
const commandOf = (payload: Arbitrary<Buffer>): Arbitrary<Content> =>
  fc.tuple(often(20, 17), payload, often(100, 99, 50, 3)).map(([type, whole, share]) =>
    ({ type, payload: part(type === 17 ? Buffer.concat([Buffer.alloc(1), whole]) : whole, share) }))
const control: Arbitrary<Content> = fc.record({
  type: fc.constantFrom(1, 1, 2, 3, 4, 5, 6), payload: fc.oneof({ weight: 3, arbitrary: u32 }, bytes(8))
})
const metadata = fc.oneof(amf.map((value) => encodeAmfs('@setDataFrame', 'onMetaData', value)), amf.map(encodeAmf))
const media: Arbitrary<Content> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...MEDIA).map(({ type, payload }) => ({ type, payload })) },
  fc.record({ type: fc.constantFrom(8, 9, 15, 18, 22), payload: fc.oneof(bytes(40), metadata) })
)
const anything: Arbitrary<Content> = fc.record({ type: fc.integer({ min: 0, max: 255 }), payload: bytes(300) })

const piece = (content: Arbitrary<Content>): Arbitrary<Piece> => fc.tuple(content, fc.record({
  streamId: often(1, 0, 2, 0xffffffff),
  timestamp: often(0, 40, 0xfffffe, 0xffffff, 0x1000000, 0xffffffff),
  interleaved: often(false, true),
  format: often<0 | 1 | 2 | 3>(0, 1, 2, 3),
  chunkStream: often<number | undefined>(undefined, 2, 3, 63, 64, 319, 320, 65_599),
  claimedLength: often<number | undefined>(undefined, 0, 1, 127, 129, 20_000, 0xffffff)
})).map(([{ type, payload }, { chunkStream, claimedLength, ...rest }]) => ({
  type, payload, ...rest, ...(chunkStream === undefined ? {} : { chunkStream }), ...(claimedLength === undefined ? {} : { claimedLength })
}))
const plain = (content: Arbitrary<Content>): Arbitrary<Piece> =>
  content.map((own) => ({ ...own, streamId: 1, timestamp: 0, interleaved: false }))
const wild = piece(fc.oneof(
  { weight: 3, arbitrary: commandOf(command) }, { weight: 2, arbitrary: control }, { weight: 2, arbitrary: media }, anything))

/** Few servers listen on after one. */
const odd = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(wild, { minLength: 1, maxLength: 2 }) })
/** Mostly what a client says, in its order, with something odd before, in the middle or behind; or just anything. */
const conversation: Arbitrary<Piece[]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(
    odd, plain(commandOf(connect)), odd, plain(commandOf(createStream)), plain(commandOf(ask)),
    fc.array(fc.oneof(wild, plain(media)), { maxLength: 6 })
  ).map(([before, opening, between, create, asking, behind]) => [...before, opening, ...between, create, asking, ...behind]) },
  { weight: 1, arbitrary: fc.array(wild, { maxLength: 10 }) }
)

/** Writes messages as a client does that keeps to the chunk size it has announced, or does not. */
const written = (pieces: readonly Piece[], obedient: boolean): Buffer => {
  let chunkSize = 128
  const messages = pieces.map((own) => {
    const chunks = chunksOf(own, { chunkSize, ...own })
    const announced = own.type === 1 && own.payload.length >= 4 ? own.payload.readUInt32BE() : 0
    if (obedient && announced >= 1) chunkSize = announced
    return { chunks, interleaved: own.interleaved }
  })
  const order: Buffer[] = []
  for (let index = 0; index < messages.length; index++) {
    const { chunks, interleaved } = messages[index]!
    const next = interleaved ? messages[index + 1]?.chunks.splice(0) ?? [] : []
    while (chunks.length > 0 || next.length > 0) order.push(...chunks.splice(0, 1), ...next.splice(0, 1))
  }
  return Buffer.concat(order)
}

const handshake = fc.oneof(
  { weight: 12, arbitrary: fc.constant(Buffer.concat([Buffer.from([3]), Buffer.alloc(HANDSHAKE_BYTES - 1)])) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(255), fc.nat(255)).map(([version, fill]) =>
    Buffer.alloc(HANDSHAKE_BYTES, fill).fill(version, 0, 1)) },
  { weight: 1, arbitrary: fc.nat(HANDSHAKE_BYTES).map((length) => Buffer.alloc(length, 3)) }
)

type Damage = (whole: Buffer, at: number, length: number) => Buffer
const DAMAGES: readonly Damage[] = [
  (whole, at) => whole.subarray(0, at),
  (whole, at, length) => Buffer.concat([whole.subarray(0, at), whole.subarray(at + length)]),
  (whole, at, length) => Buffer.concat([whole.subarray(0, at + length), whole.subarray(at)]),
  (whole, at, length) => Buffer.concat([
    whole.subarray(0, at), whole.subarray(at + length, at + 2 * length), whole.subarray(at, at + length), whole.subarray(at + 2 * length)
  ]),
  (whole, at, length) => Buffer.from(whole.map((byte, index) => index === at ? length : byte))
]
/** What stands behind the handshake is damaged rather than the handshake. */
const damaged = (content: Arbitrary<Buffer>): Arbitrary<Buffer> => fc.oneof(
  { weight: 4, arbitrary: content },
  { weight: 1, arbitrary: fc.tuple(content, fc.constantFrom(...DAMAGES), fc.nat(4000), fc.nat(255)).map(([whole, damage, at, length]) =>
    damage(whole, at % (whole.length + 1), length)) }
)

/** What stands behind the handshake. */
export const rtmpBytes = damaged(fc.tuple(conversation, often(true, false)).map((parts) => written(...parts)))

export const rtmpInput: Arbitrary<Delivery> =
  delivered(fc.tuple(handshake, rtmpBytes).map((parts) => ({ bytes: Buffer.concat(parts) })), HANDSHAKE_BYTES)
