import { MAX_DATA_BYTES, MIN_OPENING_CHUNK_BYTES } from '../../access/bounds.js'
import { mistakeInTcUrl } from '../../access/tc-url.js'
import { PARSING_PAYLOAD, type NmsInvoke, type NmsRtmp } from './shapes.js'

/** What an admitted publisher may make the parser reserve, over all its chunk streams, in bytes. */
const MAX_RESERVED_BYTES = 64 * 1024 * 1024
/**
 * The same for everybody else: room for a few messages of the size that they may send. A dozen
 * bytes are enough to begin a message, and thousands may be at the door.
 */
const MAX_SMALL_RESERVED_BYTES = 128 * 1024
/** How many chunk streams one connection may use; encoders use fewer than ten, and each costs memory. */
const MAX_CHUNK_STREAMS = 64
/** The longest command that is decoded after an allow: decoding takes 50 ms per megabyte. */
const MAX_COMMAND_BYTES = 64 * 1024
/** The format of a chunk without a message header. */
const HEADERLESS = 3
const COMMAND_TYPES = new Set([17, 20])
const DATA_TYPES = new Set([15, 18])
const SET_CHUNK_SIZE = 1
/** A command of AMF3, which has one more byte before it. */
const FLEX_COMMAND = 17
/** AMF's mark of a string, with which each command begins. */
const STRING = 2

/** NMS's own methods of its parser; a guarded parser has others in front of them. */
const METHODS = ['chunkMessageHeaderRead', 'packetAlloc', 'packetHandler', 'onConnect'] as const

/** NMS's RTMP parser with limits to what a client can make it reserve and decode, and with an end. */
export class GuardedParser {
  /** The longest message that is still parsed, in bytes. */
  maxMessageBytes = Infinity
  /** Whatever is fed from now on is thrown away, the rest of what is being parsed included. */
  stopped = false
  /** A client's `closeStream`, of which NMS takes no notice, with the id of its message stream. */
  onCloseStream: (streamId: number) => void = () => undefined
  /** How many messages may still begin; one more makes `feed` throw. */
  messagesLeft = Infinity
  messagesSeen = 0
  /** Bytes that the parser holds for this client's messages. */
  reserved = 0
  private connected = false

  constructor(private readonly rtmp: NmsRtmp) {
    const { chunkMessageHeaderRead, packetAlloc, packetHandler, onConnect } = rtmp
    // NMS would go back by what is too much, megabytes at a time, and parse that, or what was before it in memory.
    rtmp.chunkMessageHeaderRead = () => {
      // Most chunks say nothing new; an encoder may send thousands of them a second.
      if (rtmp.parserPacket.header.fmt === HEADERLESS) return rtmp.parserBasicBytes
      const at = chunkMessageHeaderRead.call(rtmp)
      const { bytes, header: { length } } = rtmp.parserPacket
      if (bytes > length) throw new RangeError(`a message shrinks to ${length} bytes after ${bytes} of it`)
      return at
    }
    rtmp.packetAlloc = () => {
      if (this.stopped) return
      // Counted where they begin: NMS drops some of them without a word.
      this.messagesSeen += 1
      if (--this.messagesLeft < 0) throw new RangeError('too many messages before a command')
      const before = rtmp.parserPacket.capacity
      this.checkReserve()
      packetAlloc.call(rtmp)
      this.reserved += rtmp.parserPacket.capacity - before
    }
    // A header in the middle of a message may give it another type and length than it began with.
    rtmp.packetHandler = () => {
      if (this.stopped) return
      this.checkLength()
      this.checkContent()
      packetHandler.call(rtmp)
      if (this.isCommand('closeStream')) this.onCloseStream(rtmp.parserPacket.header.stream_id)
    }
    // NMS would throw on an address that is none, and take long to read one that is too long. It would
    // answer each `connect`, whether the answers are read or not.
    rtmp.onConnect = (invoke: NmsInvoke) => {
      const mistake = this.connected ? 'connect a second time' : mistakeInTcUrl(invoke.cmdObj?.tcUrl)
      if (mistake !== undefined) throw new RangeError(mistake)
      this.connected = true
      onConnect.call(rtmp, invoke)
    }
  }

  /** @throws what the parser throws, RangeError beyond a limit: it is then beyond repair */
  feed(bytes: Buffer): void {
    if (this.stopped) return
    const error = this.rtmp.parserData(bytes)
    if (error !== null) throw new Error(error)
  }

  /** How many bytes may be fed at once without running past the end of the message being parsed; at least 1. */
  step(): number {
    const { parserPacket: { bytes, header }, parserState, inChunkSize } = this.rtmp
    if (parserState !== PARSING_PAYLOAD) return 1
    const step = Math.min(header.length - bytes, inChunkSize - bytes % inChunkSize)
    return step >= 1 ? step : 1
  }

  /** Takes the limits away. */
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

  /** NMS goes on after a command that it cannot read, writes a line for it, and takes any length of pieces. */
  private checkContent(): void {
    const { payload, header: { type, length } } = this.rtmp.parserPacket
    if (COMMAND_TYPES.has(type)) {
      const at = type === FLEX_COMMAND ? 1 : 0
      if (length < at + 3 || payload[at] !== STRING || payload.readUInt16BE(at + 1) > length - at - 3) throw new RangeError('a command without a name')
    } else if (type === SET_CHUNK_SIZE && this.messagesLeft !== Infinity) {
      if (length < 4 || payload.readUInt32BE(0) < MIN_OPENING_CHUNK_BYTES) throw new RangeError('chunks that are too small')
    }
  }

  /** Whether the message is this command; its name was found to be whole before. */
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
