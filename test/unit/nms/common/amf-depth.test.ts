import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_VALUE_DEPTH } from '../../../../lib/access/bounds.js'
import { checkDepth } from '../../../../lib/nms/common/amf-depth.js'
import { encodeAmfs } from '../../../support/amf.js'

const key = Buffer.from([0, 1, 0x61])
const OPENINGS: Readonly<Record<string, Buffer>> = {
  'objects': Buffer.concat([Buffer.of(3), key]),
  'ECMA arrays': Buffer.concat([Buffer.of(8, 0, 0, 0, 1), key]),
  'strict arrays': Buffer.of(10, 0, 0, 0, 1),
  'typed objects': Buffer.concat([Buffer.of(16, 0, 1, 0x62), key])
}
const within = (opening: Buffer, levels: number): Buffer => Buffer.concat([...Array<Buffer>(levels).fill(opening), Buffer.of(5)])

describe('how deep the values of a message are in each other', () => {
  for (const [what, opening] of Object.entries(OPENINGS)) {
    it(`is bounded for ${what}`, () => {
      expect(() => checkDepth(within(opening, MAX_VALUE_DEPTH))).not.to.throw()
      expect(() => checkDepth(within(opening, MAX_VALUE_DEPTH + 1))).to.throw(RangeError, `more than ${MAX_VALUE_DEPTH} deep`)
      expect(() => checkDepth(within(opening, 10_000))).to.throw(RangeError)
    })
  }

  it('is bounded behind any other values', () => {
    const values = [1, true, 'text', null, undefined, { a: 1, b: { c: 'x' } }] as const
    const before = encodeAmfs('onMetaData', ...values.filter((value) => value !== undefined) as never[])
    const others = Buffer.concat([Buffer.of(6), Buffer.of(7, 0, 1), Buffer.concat([Buffer.of(11), Buffer.alloc(10)]), Buffer.of(12, 0, 0, 0, 1, 0x61), Buffer.of(15, 0, 0, 0, 1, 0x61), Buffer.of(10, 0, 0, 0, 2, 5, 5)])
    expect(() => checkDepth(Buffer.concat([before, others]))).not.to.throw()
    expect(() => checkDepth(Buffer.concat([before, others, within(OPENINGS['objects']!, 17)]))).to.throw(RangeError)
  })

  it('is no matter for values that stand beside each other', () => {
    const one = Buffer.concat([Buffer.of(3), key, Buffer.of(5, 0, 0, 9)])
    expect(() => checkDepth(Buffer.concat(Array<Buffer>(1000).fill(one)))).not.to.throw()
  })

  it('is found whatever the bytes, with no other error and an end', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        checkDepth(Buffer.from(bytes))
      } catch (error) {
        expect((error as Error).message).to.contain('deep')
      }
    }))
  })
})
