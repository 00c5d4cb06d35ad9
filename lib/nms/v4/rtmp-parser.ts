import { MAX_DATA_BYTES, MIN_OPENING_CHUNK_BYTES } from '../../access/bounds.js'
import { mistakeInTcUrl } from '../../access/tc-url.js'
import { checkDepth } from '../common/amf-depth.js'
import { PARSING_PAYLOAD, type NmsInvoke, type NmsRtmp } from './shapes.js'

/** Bytes that the parser may reserve for an admitted publisher, over all its chunk streams. */
const MAX_RESERVED_BYTES = 64 * 1024 * 1024
/**
 * The same for everybody else: room for a few messages of the size they may send. A dozen bytes are enough to start a
 * message, and thousands of clients may be held.
 */
const MAX_SMALL_RESERVED_BYTES = 128 * 1024
/** Chunk streams per connection; encoders use fewer than ten, and each costs memory. */
const MAX_CHUNK_STREAMS = 64
/** The longest command decoded after an allow: decoding takes 50 ms per megabyte. */
const MAX_COMMAND_BYTES = 64 * 1024
/** The chunk format without a message header. */
const HEADERLESS = 3
const COMMAND_TYPES = new Set([17, 20])
const DATA_TYPES = new Set([15, 18])
const SET_CHUNK_SIZE = 1
/** An AMF3 command, which has one extra byte in front. */
const FLEX_COMMAND = 17
/** AMF3 data, which has one extra byte in front, too. */
const FLEX_DATA = 15
/** AMF's type marker for a string; each command begins with one. */
const STRING = 2

/** Methods of NMS's parser that a guarded parser wraps. */
const METHODS = ['chunkMessageHeaderRead', 'packetAlloc', 'packetHandler', 'onConnect'] as const

/** NMS's RTMP parser with limits on what a client can make it reserve and decode, and a way to stop it. */
export class GuardedParser {
  /** The longest message still parsed, in bytes. */
  maxMessageBytes = Infinity
  /** Discards everything fed from now on, and the rest of what is being parsed. */
  stopped = false
  /** Called with the message stream id when the client sends `closeStream`, which NMS ignores. */
  onCloseStream: (streamId: number) => void = () => undefined
  /** Messages that may still begin; one more makes `feed` throw. */
  messagesLeft = Infinity
  messagesSeen = 0
  /** Bytes the parser holds for this client's messages. */
  reserved = 0
  private connected = false

  constructor(private readonly rtmp: NmsRtmp) {
    const { chunkMessageHeaderRead, packetAlloc, packetHandler, onConnect } = rtmp
    // NMS would step back by the excess, megabytes at a time, and parse those bytes or older memory again.
    rtmp.chunkMessageHeaderRead = () => {
      // Most chunks have no message header, and an encoder may send thousands of them a second.
      if (rtmp.parserPacket.header.fmt === HEADERLESS) return rtmp.parserBasicBytes
      const at = chunkMessageHeaderRead.call(rtmp)
      const { bytes, header: { length } } = rtmp.parserPacket
      if (bytes > length) throw new RangeError(`a message shrinks to ${length} bytes after ${bytes} of it`)
      return at
    }
    rtmp.packetAlloc = () => {
      if (this.stopped) return
      // Counted at the start, because NMS drops some messages silently.
      this.messagesSeen += 1
      if (--this.messagesLeft < 0) throw new RangeError('too many messages before a command')
      const before = rtmp.parserPacket.capacity
      this.checkReserve()
      packetAlloc.call(rtmp)
      this.reserved += rtmp.parserPacket.capacity - before
    }
    // A header in the middle of a message may change the type and length the message began with.
    rtmp.packetHandler = () => {
      if (this.stopped) return
      this.checkLength()
      this.checkContent()
      packetHandler.call(rtmp)
      if (this.isCommand('closeStream')) this.onCloseStream(rtmp.parserPacket.header.stream_id)
    }
    // NMS would throw on an invalid address, and take long to parse a very long one. It would also answer every
    // `connect`, whether or not the client reads the answers.
    rtmp.onConnect = (invoke: NmsInvoke) => {
      const mistake = this.connected ? 'a second connect' : mistakeInTcUrl(invoke.cmdObj?.tcUrl)
      if (mistake !== undefined) throw new RangeError(mistake)
      this.connected = true
      onConnect.call(rtmp, invoke)
    }
  }

  /** @throws whatever the parser throws, or RangeError above a limit; the parser is unusable afterwards */
  feed(bytes: Buffer): void {
    if (this.stopped) return
    const error = this.rtmp.parserData(bytes)
    if (error !== null) throw new Error(error)
  }

  /** How many bytes can be fed without passing the end of the message being parsed; at least 1. */
  step(): number {
    const { parserPacket: { bytes, header }, parserState, inChunkSize } = this.rtmp
    if (parserState !== PARSING_PAYLOAD) return 1
    const step = Math.min(header.length - bytes, inChunkSize - bytes % inChunkSize)
    return step >= 1 ? step : 1
  }

  /** Drops what has come of unfinished messages: NMS keeps a publisher's session for 30 s after its end. */
  release(): void {
    this.stopped = true
    const { inPackets, parserPacket } = this.rtmp
    inPackets.clear()
    parserPacket.payload = Buffer.alloc(0)
    parserPacket.capacity = 0
  }

  /** Removes the limits. */
  restore(): void {
    for (const own of METHODS) delete (this.rtmp as Partial<NmsRtmp>)[own]
  }

  private checkReserve(): void {
    const { rtmp } = this
    this.checkLength()
    if (rtmp.inPackets.size > MAX_CHUNK_STREAMS) throw new RangeError(`more than ${MAX_CHUNK_STREAMS} chunk streams`)
    const { capacity, header } = rtmp.parserPacket
    const max = this.maxMessageBytes === Infinity ? MAX_RESERVED_BYTES : MAX_SMALL_RESERVED_BYTES
    if (this.reserved + Math.max(0, header.length - capacity) > max) throw new RangeError(`messages begun on too many chunk streams, ${this.reserved} bytes reserved`)
  }

  /** NMS would log a command it cannot read and go on, and accept chunk sizes of any length. */
  private checkContent(): void {
    const { payload, header: { type, length } } = this.rtmp.parserPacket
    if (COMMAND_TYPES.has(type)) {
      const at = type === FLEX_COMMAND ? 1 : 0
      if (length < at + 3 || payload[at] !== STRING || payload.readUInt16BE(at + 1) > length - at - 3) throw new RangeError('a command without a name')
      checkDepth(payload.subarray(at, length))
    } else if (DATA_TYPES.has(type)) {
      checkDepth(payload.subarray(type === FLEX_DATA ? 1 : 0, length))
    } else if (type === SET_CHUNK_SIZE && this.messagesLeft !== Infinity) {
      if (length < 4 || payload.readUInt32BE(0) < MIN_OPENING_CHUNK_BYTES) throw new RangeError('chunks that are too small')
    }
  }

  /** Whether the message is this command; its name is known to be complete. */
  private isCommand(name: string): boolean {
    const { payload, header: { type } } = this.rtmp.parserPacket
    if (!COMMAND_TYPES.has(type)) return false
    const at = type === FLEX_COMMAND ? 1 : 0
    return payload.readUInt16BE(at + 1) === name.length && payload.toString('latin1', at + 3, at + 3 + name.length) === name
  }

  private checkLength(): void {
    const { length, type } = this.rtmp.parserPacket.header
    const max = Math.min(this.maxMessageBytes, COMMAND_TYPES.has(type) ? MAX_COMMAND_BYTES : DATA_TYPES.has(type) ? MAX_DATA_BYTES : Infinity)
    if (length > max) throw new RangeError(`a message of ${length} bytes, more than ${max}`)
  }
}
