import { expect } from 'chai'
import { createTexts } from '../../../lib/hls/texts.js'

describe('texts of sessions', () => {
  it('are kept once for all, and no longer than one of them is there', () => {
    const texts = createTexts(1000)
    const one = texts.take({ userAgent: 'x'.repeat(100), query: 'a' })
    const size = texts.size
    const other = texts.take({ userAgent: 'x'.repeat(100), query: 'a' })
    expect([texts.size, other]).to.deep.equal([size, one])
    texts.free(one!)
    expect(texts.size).to.equal(size)
    texts.free(other!)
    expect(texts.size).to.equal(0)
  })

  it('are bounded in bytes, and nothing is taken in part', () => {
    const texts = createTexts(1000)
    texts.take({ a: 'x'.repeat(600) })
    const { size } = texts
    expect(texts.take({ a: 'y', b: 'z'.repeat(300) })).to.equal(undefined)
    expect(texts.take({ a: 'ж'.repeat(200) })).to.equal(undefined)
    expect(texts.size).to.equal(size)
    expect(texts.take({ a: 'x'.repeat(600), b: 'y'.repeat(200) })).to.not.equal(undefined)
  })
})
