/** One RTMP message. */
export interface RtmpMessage {
  /** 8 audio, 9 video, 18 metadata, 20 command; 1 to 6 are the protocol's own. */
  readonly type: number
  readonly streamId: number
  /** Milliseconds. */
  readonly timestamp: number
  readonly payload: Buffer
}

/** How a message is cut into chunks. */
export interface ChunkOptions {
  /** Chunk stream, 2 to 65599. Default by the message's type. */
  readonly chunkStream?: number
  /** Bytes of payload in a chunk. Default 128, what a server assumes until it is told otherwise. */
  readonly chunkSize?: number
  /** The length that the header claims. Default what is true. */
  readonly claimedLength?: number
  /** How much of the header the first chunk has: 0 all, 3 nothing. Default 0. */
  readonly format?: 0 | 1 | 2 | 3
}

const EXTENDED = 0xffffff
const HEADER_BYTES = [11, 7, 3, 0]

const basicHeader = (format: number, chunkStream: number): Buffer => {
  if (chunkStream < 64) return Buffer.from([format << 6 | chunkStream])
  if (chunkStream < 320) return Buffer.from([format << 6, chunkStream - 64])
  return Buffer.from([format << 6 | 1, (chunkStream - 64) & 0xff, (chunkStream - 64) >> 8])
}

const DEFAULT_CHUNK_STREAMS: Readonly<Record<number, number>> = { 8: 4, 9: 6, 18: 5, 15: 5, 17: 3, 20: 3 }

/** A message as the chunks that carry it. */
export const chunksOf = ({ type, streamId, timestamp, payload }: RtmpMessage, {
  chunkStream = DEFAULT_CHUNK_STREAMS[type] ?? 2, chunkSize = 128, claimedLength = payload.length, format = 0
}: ChunkOptions = {}): Buffer[] => {
  const header = Buffer.alloc(11)
  header.writeUIntBE(Math.min(timestamp, EXTENDED), 0, 3)
  header.writeUIntBE(claimedLength, 3, 3)
  header.writeUInt8(type, 6)
  header.writeUInt32LE(streamId, 7)
  const extended = Buffer.alloc(timestamp >= EXTENDED ? 4 : 0)
  if (extended.length > 0) extended.writeUInt32BE(timestamp)
  const chunks = [Buffer.concat([basicHeader(format, chunkStream), header.subarray(0, HEADER_BYTES[format]), extended, payload.subarray(0, chunkSize)])]
  for (let at = chunkSize; at < payload.length; at += chunkSize) {
    chunks.push(Buffer.concat([basicHeader(3, chunkStream), extended, payload.subarray(at, at + chunkSize)]))
  }
  return chunks
}

/** A message as bytes on the wire. */
export const toChunks = (message: RtmpMessage, options?: ChunkOptions): Buffer => Buffer.concat(chunksOf(message, options))

interface Incoming { type: number, streamId: number, timestamp: number, length: number, extended: boolean, parts: Buffer[], bytes: number }

/** Puts the messages of a chunk stream together, however its bytes are cut. */
export class ChunkReader {
  private pending: Buffer = Buffer.alloc(0)
  private readonly incoming = new Map<number, Incoming>()

  /** @param chunkSize what is assumed until the sender says otherwise; NMS cuts its own so even before it says so */
  constructor(private readonly onMessage: (message: RtmpMessage) => void, private chunkSize = 128) {}

  push(bytes: Buffer): void {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes])
    while (this.readChunk()) { /* until no whole chunk is left */ }
  }

  private readChunk(): boolean {
    const { pending } = this
    const first = pending[0]
    if (first === undefined) return false
    const format = first >> 6
    const basicBytes = (first & 0x3f) === 0 ? 2 : (first & 0x3f) === 1 ? 3 : 1
    const headerBytes = HEADER_BYTES[format] ?? 0
    let at = basicBytes + headerBytes
    if (pending.length < at) return false
    const chunkStream = basicBytes === 1 ? first & 0x3f : basicBytes === 2 ? 64 + (pending[1] ?? 0) : 64 + pending.readUInt16LE(1)
    const before = this.incoming.get(chunkStream)
    const header = pending.subarray(basicBytes, at)
    const field = format < 3 ? header.readUIntBE(0, 3) : 0
    const extended = format < 3 ? field === EXTENDED : before?.extended ?? false
    if (extended) at += 4
    if (pending.length < at) return false
    const time = extended ? pending.readUInt32BE(at - 4) : field
    const begun = before !== undefined && before.bytes > 0
    const message: Incoming = begun ? before : {
      type: format < 2 ? header.readUInt8(6) : before?.type ?? 0,
      streamId: format === 0 ? header.readUInt32LE(7) : before?.streamId ?? 0,
      timestamp: format === 0 ? time : (before?.timestamp ?? 0) + (format < 3 ? time : 0),
      length: format < 2 ? header.readUIntBE(3, 3) : before?.length ?? 0,
      extended, parts: [], bytes: 0
    }
    const size = Math.min(this.chunkSize, message.length - message.bytes)
    if (pending.length < at + size) return false
    this.pending = pending.subarray(at + size)
    message.parts.push(pending.subarray(at, at + size))
    message.bytes += size
    this.incoming.set(chunkStream, message)
    if (message.bytes < message.length) return true
    const { type, streamId, timestamp } = message
    const payload = Buffer.concat(message.parts)
    this.incoming.set(chunkStream, { ...message, parts: [], bytes: 0 })
    if (type === 1 && payload.length >= 4) this.chunkSize = payload.readUInt32BE()
    this.onMessage({ type, streamId, timestamp, payload })
    return true
  }
}
