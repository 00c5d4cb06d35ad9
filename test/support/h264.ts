/** Writes bits as H.264 has them (ITU-T H.264, 7.2 and 9.1). */
class Bits {
  private readonly bytes: number[] = []
  private current = 0
  private count = 0

  u(bits: number, value: number): this {
    for (let i = bits - 1; i >= 0; i--) {
      this.current = this.current << 1 | (value >> i & 1)
      if (++this.count === 8) {
        this.bytes.push(this.current)
        this.current = this.count = 0
      }
    }
    return this
  }

  /** Unsigned Exp-Golomb code. */
  ue(value: number): this {
    const length = 32 - Math.clz32(value + 1)
    return this.u(length - 1, 0).u(length, value + 1)
  }

  /** Signed Exp-Golomb code. */
  se(value: number): this { return this.ue(value > 0 ? 2 * value - 1 : -2 * value) }

  align(): this { return this.count === 0 ? this : this.u(8 - this.count, 0) }

  raw(values: Uint8Array): this {
    this.bytes.push(...values)
    return this
  }

  /** Ends with the stop bit. */
  trailing(): Buffer { return Buffer.from(this.u(1, 1).align().bytes) }
}

/** A NAL unit, with the bytes that keep its content from looking like a start code. */
const nal = (header: number, content: Buffer): Buffer => {
  const out = [header]
  let zeros = 0
  for (const byte of content) {
    if (zeros === 2 && byte <= 3) {
      out.push(3)
      zeros = 0
    }
    out.push(byte)
    zeros = byte === 0 ? zeros + 1 : 0
  }
  return Buffer.from(out)
}

/**
 * The smallest encoder of H.264 baseline that a decoder accepts: keyframes of uncompressed
 * macroblocks in one colour, and frames between that change nothing.
 */
export interface H264 {
  readonly sps: Buffer
  readonly pps: Buffer
  /** @param luma brightness, 1 to 255, by which a keyframe is known */
  keyframe(index: number, luma: number): Buffer
  /** @param since frames since the keyframe, from 1 on */
  interframe(since: number): Buffer
  /** A NAL unit that decoders throw away, of this many bytes at least. */
  filler(bytes: number): Buffer
}

/** @param blocks width and height of the square picture, in macroblocks of 16 pixels */
export const createH264 = (blocks: number): H264 => ({
  sps: nal(0x67, new Bits().u(8, 66).u(8, 0xc0).u(8, 30).ue(0).ue(4).ue(2).ue(1).u(1, 0).ue(blocks - 1).ue(blocks - 1)
    .u(1, 1).u(1, 1).u(1, 0).u(1, 0).trailing()),
  pps: nal(0x68, new Bits().ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(0).ue(0).u(1, 0).u(2, 0).se(0).se(0).se(0).u(1, 1).u(1, 0).u(1, 0).trailing()),
  keyframe(index, luma) {
    const bits = new Bits().ue(0).ue(7).ue(0).u(8, 0).ue(index % 2).u(1, 0).u(1, 0).se(0).ue(1)
    const samples = new Uint8Array(384).fill(128)
    samples.fill(luma, 0, 256)
    for (let block = 0; block < blocks * blocks; block++) bits.ue(25).align().raw(samples)
    return nal(0x65, bits.trailing())
  },
  interframe: (since) =>
    nal(0x41, new Bits().ue(0).ue(5).ue(0).u(8, since % 256).u(1, 0).u(1, 0).u(1, 0).se(0).ue(1).ue(blocks * blocks).trailing()),
  filler: (bytes) => Buffer.concat([Buffer.from([0x0c]), Buffer.alloc(Math.max(bytes - 6, 0), 0xff), Buffer.from([0x80])])
})
