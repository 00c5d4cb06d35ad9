import { expect } from 'chai'
import { boundCache, BoundedCache, unboundCache } from '../../../../lib/nms/v2/bounded-cache.js'

describe('the cache for newcomers of node-media-server 2.7', () => {
  const fill = (cache: Set<Buffer>, messages: number, bytes: number): number => {
    let most = 0
    for (let n = 0; n < messages; n += 1) most = Math.max(most, cache.add(Buffer.alloc(bytes)).size)
    return most
  }

  for (const [what, messages, bytes, max] of [['large messages', 20, 1000, 8], ['small messages', 100, 1, 40], ['one too large', 1, 20_000, 0]] as const) {
    it(`drops ${what} past the bound, and begins anew at a keyframe only`, () => {
      const cache = new BoundedCache(10_500)
      expect(fill(cache, messages, bytes)).to.equal(max)
      expect(cache.size).to.equal(0)
      cache.clear()
      expect(fill(cache, 1, 1)).to.equal(1)
    })
  }

  it('keeps what is there already, in its order, and gives it back', () => {
    const kept = new Set([Buffer.of(1), Buffer.of(2)])
    const bounded = boundCache(kept)
    expect([...bounded!]).to.deep.equal([...kept])
    expect(unboundCache(bounded)).to.deep.equal(kept).and.not.be.instanceOf(BoundedCache)
    expect([boundCache(null), unboundCache(null)]).to.deep.equal([null, null])
  })
})
