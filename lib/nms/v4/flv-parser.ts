import { MAX_DATA_BYTES } from '../../access/bounds.js'
import { checkDepth } from '../common/amf-depth.js'
import type { NmsFlvSession } from './shapes.js'

/** For metadata NMS decodes its whole buffer, whatever the length of the tag. */
const SCRIPT = 18

/** NMS's FLV parser of an admitted publisher, with limits on what the client can make it reserve and decode. */
export class GuardedFlvParser {
  private fed = 0
  private readonly onData: NmsFlvSession['onData']
  private readonly onPacket: NmsFlvSession['onPacket']

  constructor(private readonly session: NmsFlvSession) {
    const { flv, onData, onPacket } = session
    const { parserTagAlloc } = flv
    this.onData = onData
    this.onPacket = onPacket
    // NMS would reserve twice what a tag announces, 32 MiB for eleven bytes.
    flv.parserTagAlloc = (size) => {
      if (flv.parserTagType === SCRIPT && size > MAX_DATA_BYTES) throw new RangeError(`metadata of ${size} bytes`)
      parserTagAlloc.call(flv, Math.min(size, flv.parserTagBytes + this.fed))
    }
    session.onPacket = (packet) => {
      if (packet.codec_type === SCRIPT) {
        packet.data = packet.data.subarray(0, packet.size)
        checkDepth(packet.data)
      }
      onPacket(packet)
    }
  }

  /** @throws whatever the parser throws, or RangeError above a limit */
  feed(bytes: Buffer): void {
    this.fed = bytes.length
    this.onData(bytes)
  }

  /** Drops what has come of an unfinished tag: NMS keeps a publisher's session for 30 s after its end. */
  release(): void {
    const { flv } = this.session
    flv.parserTagData = Buffer.alloc(0)
    flv.parserTagCapacity = 0
  }

  /** Removes the limits. */
  restore(): void {
    const { flv } = this.session
    delete (flv as Partial<typeof flv>).parserTagAlloc
    this.session.onPacket = flv.onPacketCallback = this.onPacket
  }
}
