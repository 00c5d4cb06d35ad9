import { MAX_DATA_BYTES, MIN_OPENING_CHUNK_BYTES } from '../../access/bounds.js'
import { PARSING_PAYLOAD, type NmsRtmpSession } from './shapes.js'

/** What an admitted publisher may make the parser reserve, over all its chunk streams, in bytes. */
const MAX_RESERVED_BYTES = 64 * 1024 * 1024
/** The same for everybody else: room for a few messages of the size that they may send. */
const MAX_SMALL_RESERVED_BYTES = 128 * 1024
/** How many chunk streams one connection may use; encoders use fewer than ten. */
const MAX_CHUNK_STREAMS = 64
/** The longest command that is decoded after an allow. */
const MAX_COMMAND_BYTES = 64 * 1024
/** What NMS reserves beyond a message's length. */
const SLACK_BYTES = 1024
/** The format of a chunk without a message header. */
const HEADERLESS = 3
const COMMAND_TYPES = new Set([17, 20])
const DATA_TYPES = new Set([15, 18])
/** A command of AMF3, which has one more byte before it. */
const FLEX_COMMAND = 17
/** AMF's mark of a string, with which each command begins. */
const STRING = 2
/** Messages of four bytes, which NMS reads without looking whether they are there. */
const NUMBER_TYPES = new Set([1, 5])
/** Audio and video. */
const MEDIA_TYPES = new Set([8, 9])

/** NMS's own methods of its parser; a guarded parser has others in front of them. */
const METHODS = ['rtmpChunkMessageHeaderRead', 'rtmpPacketAlloc', 'rtmpHandler'] as const

/** The parser of version 2 with limits to what a client can make it reserve and decode, and with an end. */
export class GuardedParser {
  /** The longest message that is still parsed, in bytes. */
  maxMessageBytes = Infinity
  /** Whatever is fed from now on is thrown away, the rest of what is being parsed included. */
  stopped = false
  /** How many messages may still begin; one more makes `feed` throw. */
  messagesLeft = Infinity
  /** How many messages have begun until now. */
  messagesSeen = 0
  /** Bytes that the parser holds for this client's messages. */
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
      this.checkName()
      rtmpHandler.call(session)
      if (session.inChunkSize < (this.messagesLeft === Infinity ? 1 : MIN_OPENING_CHUNK_BYTES)) throw new RangeError('chunks that are too small')
    }
  }

  /** @throws what the parser throws, RangeError beyond a limit: it is then beyond repair */
  feed(bytes: Buffer): void {
    if (this.stopped) return
    this.session.onSocketData(bytes)
  }

  /** How many bytes may be fed at once without running past the end of the message being parsed; at least 1. */
  step(): number {
    const { parserPacket, parserState, inChunkSize } = this.session
    if (parserState !== PARSING_PAYLOAD || parserPacket === null) return 1
    const step = Math.min(parserPacket.header.length - parserPacket.bytes, inChunkSize - parserPacket.bytes % inChunkSize)
    return step >= 1 ? step : 1
  }

  /** Takes the limits away. */
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

  /** A command begins with its name; NMS would decode whatever there is. */
  private checkName(): void {
    const { payload, header: { length, type } } = this.session.parserPacket ?? { payload: null, header: { length: 0, type: 0 } }
    if (!COMMAND_TYPES.has(type) || payload === null) return
    const at = type === FLEX_COMMAND ? 1 : 0
    if (length < at + 3 || payload[at] !== STRING || payload.readUInt16BE(at + 1) > length - at - 3) throw new RangeError('a command without a name')
  }

  /** Whether there is no audio or video in it; NMS would read what an earlier message has left. */
  private isEmpty(): boolean {
    const { length = 0, type = 0 } = this.session.parserPacket?.header ?? {}
    if (MEDIA_TYPES.has(type)) return length < 2
    const min = NUMBER_TYPES.has(type) ? 4 : COMMAND_TYPES.has(type) || DATA_TYPES.has(type) ? 1 : 0
    if (length < min) throw new RangeError(`a message of type ${type} with ${length} bytes`)
    return false
  }
}
