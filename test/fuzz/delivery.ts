import fc, { type Arbitrary } from 'fast-check'

/** What a client sends, and how it reaches the server. */
export interface Delivery {
  readonly bytes: Buffer
  /** Where the bytes are cut, ascending. */
  readonly cuts: readonly number[]
  /** What stands behind this many bytes is sent when all that came before is decided. */
  readonly pauseAt: number
  /** Leaves as soon as all is sent. */
  readonly leavesEarly: boolean
}

/** The first nine times in ten. */
export const often = <T>(usual: T, ...others: T[]): Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) })

/**
 * Cuts what is sent: anywhere, or between each two of a run of bytes.
 * @param dull - as many bytes at the beginning are hardly worth a cut
 */
export const delivered = <T extends { readonly bytes: Buffer }>(content: Arbitrary<T>, dull: number): Arbitrary<T & Delivery> => fc.record({
  content,
  cuts: fc.oneof(
    fc.array(fc.oneof({ weight: 3, arbitrary: fc.nat(1500).map((at) => dull + at) }, fc.nat(6000)), { maxLength: 8 }),
    fc.nat(1200).map((from) => Array.from({ length: 24 }, (_, index) => Math.max(0, dull - 20) + from + index))),
  pauseAt: fc.nat(1500).map((behind) => dull + behind),
  leavesEarly: often(false, true)
}).map(({ content: own, cuts, ...rest }) => ({
  ...own, ...rest, cuts: [...new Set(cuts)].filter((cut) => cut > 0 && cut < own.bytes.length).sort((a, b) => a - b)
}))
