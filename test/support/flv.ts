import type { MediaMessage } from './media.js'

/** The header of an FLV file with audio and video, and the zero before its first tag. */
export const FLV_HEADER = Buffer.from([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0])

/** One message as a tag, with its length behind it. */
export const flvTag = ({ type, timestamp, payload }: MediaMessage): Buffer => {
  const tag = Buffer.alloc(11 + payload.length + 4)
  tag.writeUInt8(type, 0)
  tag.writeUIntBE(payload.length, 1, 3)
  tag.writeUIntBE(timestamp & 0xffffff, 4, 3)
  tag.writeUInt8(timestamp >>> 24, 7)
  payload.copy(tag, 11)
  tag.writeUInt32BE(11 + payload.length, 11 + payload.length)
  return tag
}

/** Reads FLV however its bytes are cut, and counts what is media. */
export class FlvReader {
  readonly tags: MediaMessage[] = []
  audio = 0
  video = 0
  /** Payload of audio and video tags. */
  bytes = 0
  /** Everything that came, headers too. */
  totalBytes = 0
  /** When the first audio or video tag was whole (not metadata), milliseconds since 1970; 0 if none is. */
  firstMediaAt = 0
  private pending: Buffer = Buffer.alloc(0)
  private begun = false

  push(bytes: Buffer): void {
    this.totalBytes += bytes.length
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes])
    if (!this.begun) {
      if (this.pending.length < FLV_HEADER.length) return
      if (this.pending.toString('latin1', 0, 3) !== 'FLV') throw new Error(`no FLV: ${this.pending.toString('latin1', 0, 40)}`)
      this.begun = true
      this.pending = this.pending.subarray(FLV_HEADER.length)
    }
    while (this.pending.length >= 11) {
      const length = this.pending.readUIntBE(1, 3)
      if (this.pending.length < 11 + length + 4) return
      this.take({
        type: this.pending.readUInt8(0), timestamp: this.pending.readUIntBE(4, 3) + this.pending.readUInt8(7) * 0x1000000,
        payload: this.pending.subarray(11, 11 + length)
      })
      this.pending = this.pending.subarray(11 + length + 4)
    }
  }

  private take(tag: MediaMessage): void {
    this.tags.push(tag)
    if (tag.type !== 8 && tag.type !== 9) return
    this.firstMediaAt ||= Date.now()
    this.bytes += tag.payload.length
    this[tag.type === 8 ? 'audio' : 'video'] += tag.payload.length
  }
}
