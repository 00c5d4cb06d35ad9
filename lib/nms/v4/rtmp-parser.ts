import { PARSING_PAYLOAD, type NmsRtmp } from './shapes.js'

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
/** The longest metadata message that is decoded after an allow, in bytes. */
const MAX_DATA_BYTES = 1024 * 1024
/** The format of a chunk without a message header. */
const HEADERLESS = 3
const COMMAND_TYPES = new Set([17, 20])
const DATA_TYPES = new Set([15, 18])

/** NMS's own methods of its parser; a guarded parser has others in front of them. */
const METHODS = ['chunkMessageHeaderRead', 'packetAlloc', 'packetHandler'] as const

/** NMS's RTMP parser with limits to what a client can make it reserve and decode, and with an end. */
export class GuardedParser {
  /** The longest message that is still parsed, in bytes. */
  maxMessageBytes = Infinity
  /** Whatever is fed from now on is thrown away, the rest of what is being parsed included. */
  stopped = false
  private reserved = 0

  constructor(private readonly rtmp: NmsRtmp) {
    const { chunkMessageHeaderRead, packetAlloc, packetHandler } = rtmp
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
      const before = rtmp.parserPacket.capacity
      this.checkReserve()
      packetAlloc.call(rtmp)
      this.reserved += rtmp.parserPacket.capacity - before
    }
    // A header in the middle of a message may give it another type and length than it began with.
    rtmp.packetHandler = () => {
      if (this.stopped) return
      this.checkLength()
      packetHandler.call(rtmp)
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

  private checkLength(): void {
    const { length, type } = this.rtmp.parserPacket.header
    const max = Math.min(this.maxMessageBytes, COMMAND_TYPES.has(type) ? MAX_COMMAND_BYTES : DATA_TYPES.has(type) ? MAX_DATA_BYTES : Infinity)
    if (length > max) throw new RangeError(`a message of ${length} bytes, more than ${max}`)
  }
}
