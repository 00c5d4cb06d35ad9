import { expect } from 'chai'
import type { AccessRequest } from '../../../lib/access/request.js'
import { createTakeover } from '../../../lib/sessions/takeover.js'
import { requestOf } from '../policy/support.js'

describe('a publisher that comes back before its old connection has died', () => {
  const request = (own: Partial<AccessRequest> = {}): AccessRequest => ({ ...requestOf({ action: 'publish' }), ...own })

  it('takes over if it is the same device with the same query', () => {
    expect(createTakeover()(request(), request({ sessionId: 'other' }))).to.equal(true)
  })

  for (const own of [{ ip: '198.51.100.1' }, { userAgent: 'other' }, { query: 'token=other' }, { streamPath: '/live/other' }]) {
    it(`does not with another ${Object.keys(own)[0]}`, () => { expect(createTakeover()(request(), request(own))).to.equal(false) })
  }

  it('does not when two that look alike have thrown each other out five times, until it has been quiet', () => {
    let now = 0
    const takesOver = createTakeover(() => 20_000, () => now)
    const tries = (count: number, everyMs: number): boolean[] => Array.from({ length: count }, () => {
      now += everyMs
      return takesOver(request(), request())
    })
    expect(tries(8, 500)).to.deep.equal([true, true, true, true, true, true, false, false])
    now += 19_000
    expect(takesOver(request(), request()), 'a try starts the wait anew').to.equal(false)
    now += 20_001
    expect(takesOver(request(), request())).to.equal(true)
  })

  it('does for ever if it comes back more slowly', () => {
    let now = 0
    const takesOver = createTakeover(() => 20_000, () => now)
    for (let n = 0; n < 20; n += 1) {
      now += 2000
      expect(takesOver(request(), request())).to.equal(true)
    }
  })
})
