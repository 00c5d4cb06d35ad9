import { MAX_DATA_BYTES, MIN_OPENING_CHUNK_BYTES } from '../../access/bounds.js'
import { checkDepth } from '../common/amf-depth.js'
import { PARSING_PAYLOAD, type NmsRtmpSession } from './shapes.js'

/** Bytes that the parser may reserve for an admitted publisher, over all its chunk streams. */
const MAX_RESERVED_BYTES = 64 * 1024 * 1024
/** The same for everybody else: room for a few messages of the size they may send. */
const MAX_SMALL_RESERVED_BYTES = 128 * 1024
/** Chunk streams per connection; encoders use fewer than ten. */
const MAX_CHUNK_STREAMS = 64
/** The longest command decoded after an allow. */
const MAX_COMMAND_BYTES = 64 * 1024
/** Bytes that NMS reserves beyond a message's length. */
const SLACK_BYTES = 1024
/** The chunk format without a message header. */
const HEADERLESS = 3
const COMMAND_TYPES = new Set([17, 20])
const DATA_TYPES = new Set([15, 18])
/** An AMF3 command, which has one extra byte in front. */
const FLEX_COMMAND = 17
/** AMF3 data, which has one extra byte in front, too. */
const FLEX_DATA = 15
/** AMF's type marker for a string; each command begins with one. */
const STRING = 2
/** Messages of four bytes, which NMS reads without checking the length. */
const NUMBER_TYPES = new Set([1, 5])
/** Audio and video. */
const MEDIA_TYPES = new Set([8, 9])

/** Methods of NMS's parser that a guarded parser wraps. */
const METHODS = ['rtmpChunkMessageHeaderRead', 'rtmpPacketAlloc', 'rtmpHandler'] as const

/** Version 2's parser with limits on what a client can make it reserve and decode, and a way to stop it. */
export class GuardedParser {
  /** The longest message still parsed, in bytes. */
  maxMessageBytes = Infinity
  /** Discards everything fed from now on, and the rest of what is being parsed. */
  stopped = false
  /** Messages that may still begin; one more makes `feed` throw. */
  messagesLeft = Infinity
  /** Messages that have begun so far. */
  messagesSeen = 0
  /** Bytes the parser holds for this client's messages. */
  reserved = 0

  constructor(private readonly session: NmsRtmpSession) {
    const { rtmpChunkMessageHeaderRead, rtmpPacketAlloc, rtmpHandler } = session
    session.rtmpChunkMessageHeaderRead = () => {
      if (session.parserPacket?.header.fmt === HEADERLESS) return session.parserBasicBytes
      const at = rtmpChunkMessageHeaderRead.call(session)
      const { bytes = 0, header: { length } = { length: 0 } } = session.parserPacket ?? {}
      if (bytes > length) throw new RangeError(`a message shrinks to ${length} bytes after ${bytes} of it`)
      return at
    }
    session.rtmpPacketAlloc = () => {
      if (this.stopped) return
      this.messagesSeen += 1
      if (--this.messagesLeft < 0) throw new RangeError('too many messages before a command')
      const before = session.parserPacket?.capacity ?? 0
      this.checkReserve()
      rtmpPacketAlloc.call(session)
      this.reserved += (session.parserPacket?.capacity ?? 0) - before
    }
    session.rtmpHandler = () => {
      if (this.stopped) return
      this.checkLength()
      if (this.isEmpty()) return
      this.checkContent()
      rtmpHandler.call(session)
      if (session.inChunkSize < (this.messagesLeft === Infinity ? 1 : MIN_OPENING_CHUNK_BYTES)) throw new RangeError('chunks that are too small')
    }
  }

  /** @throws whatever the parser throws, or RangeError above a limit; the parser is unusable afterwards */
  feed(bytes: Buffer): void {
    if (this.stopped) return
    this.session.onSocketData(bytes)
  }

  /** How many bytes can be fed without passing the end of the message being parsed; at least 1. */
  step(): number {
    const { parserPacket, parserState, inChunkSize } = this.session
    if (parserState !== PARSING_PAYLOAD || parserPacket === null) return 1
    const step = Math.min(parserPacket.header.length - parserPacket.bytes, inChunkSize - parserPacket.bytes % inChunkSize)
    return step >= 1 ? step : 1
  }

  /** Removes the limits. */
  restore(): void {
    for (const own of METHODS) delete (this.session as Partial<NmsRtmpSession>)[own]
  }

  private checkReserve(): void {
    const { session: { inPackets, parserPacket } } = this
    this.checkLength()
    if (inPackets.size > MAX_CHUNK_STREAMS) throw new RangeError(`more than ${MAX_CHUNK_STREAMS} chunk streams`)
    const { capacity = 0, header: { length } = { length: 0 } } = parserPacket ?? {}
    const max = this.maxMessageBytes === Infinity ? MAX_RESERVED_BYTES : MAX_SMALL_RESERVED_BYTES
    if (this.reserved + Math.max(0, length + SLACK_BYTES - capacity) > max) throw new RangeError(`messages begun on too many chunk streams, ${this.reserved} bytes reserved`)
  }

  private checkLength(): void {
    const { length = 0, type = 0 } = this.session.parserPacket?.header ?? {}
    const max = Math.min(this.maxMessageBytes, COMMAND_TYPES.has(type) ? MAX_COMMAND_BYTES : DATA_TYPES.has(type) ? MAX_DATA_BYTES : Infinity)
    if (length > max) throw new RangeError(`a message of ${length} bytes, more than ${max}`)
  }

  /** A command must begin with its name; NMS would decode anything, at any depth. */
  private checkContent(): void {
    const { payload, header: { length, type } } = this.session.parserPacket ?? { payload: null, header: { length: 0, type: 0 } }
    const isCommand = COMMAND_TYPES.has(type)
    if (payload === null || !(isCommand || DATA_TYPES.has(type))) return
    const at = type === FLEX_COMMAND || type === FLEX_DATA ? 1 : 0
    checkDepth(payload.subarray(at, length))
    if (isCommand && (length < at + 3 || payload[at] !== STRING || payload.readUInt16BE(at + 1) > length - at - 3)) throw new RangeError('a command without a name')
  }

  /** Whether the message contains no audio or video; NMS would read the leftovers of an earlier message. */
  private isEmpty(): boolean {
    const { length = 0, type = 0 } = this.session.parserPacket?.header ?? {}
    if (MEDIA_TYPES.has(type)) return length < 2
    const min = NUMBER_TYPES.has(type) ? 4 : COMMAND_TYPES.has(type) || DATA_TYPES.has(type) ? 1 : 0
    if (length < min) throw new RangeError(`a message of type ${type} with ${length} bytes`)
    return false
  }
}
