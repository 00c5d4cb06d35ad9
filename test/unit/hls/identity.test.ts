import { expect } from 'chai'
import fc from 'fast-check'
import { viewerQuery } from '../../../lib/access/hls-query.js'
import { prefixKeys, sessionKey, type Identity } from '../../../lib/hls/identity.js'

const viewer: Identity = { ip: '192.0.2.1', userAgent: 'player/1', query: 'token=1' }
const key = (directory: string, changes: Partial<Identity> = {}): string => sessionKey('hls', directory, { ...viewer, ...changes })

describe('what a session is known by', () => {
  it('differs with each of family, directory, address, user agent and query', () => {
    const keys = [
      key('/a/'), key('/b/'), key('/a/', { ip: '192.0.2.2' }), key('/a/', { userAgent: 'player/2' }), key('/a/', { query: 'token=2' }), sessionKey('file', '/a/', viewer)
    ]
    expect(new Set(keys).size).to.equal(keys.length)
  })

  it('differs however text is moved from one part into another', () => {
    fc.assert(fc.property(fc.tuple(fc.string(), fc.string(), fc.string()), fc.tuple(fc.string(), fc.string(), fc.string()), (a, b) => {
      const [one, other] = [a, b].map(([directory, userAgent, query]) => key(directory, { userAgent, query }))
      expect(one === other).to.equal(JSON.stringify(a) === JSON.stringify(b))
    }), { seed: 1 })
    expect(key('/a/', { userAgent: 'x' })).to.not.equal(key('/a/1:x', { userAgent: '' }))
  })

  it('is found by the prefixes of a longer query that end before an &, or come again behind a ?', () => {
    for (const [query, prefixes] of [
      ['a=1', []], ['a=1&b=2', ['a=1']], ['a=1&b=2&c', ['a=1', 'a=1&b=2']], ['&a', ['']], ['a&&b', ['a', 'a&']], ['', []],
      ['a=1?a=1', ['a=1']], ['a=1?a=1?a=1', ['a=1']], ['a=1?a=1&b=2', ['a=1', 'a=1?a=1']], ['a=1&b?a=1&b', ['a=1', 'a=1&b', 'a=1&b?a=1']], ['a=1&x=2?a=1', ['a=1']],
      ['a=1?a=12', []], ['a=1?b', []], ['a=1?', []], ['?', ['']], ['a?b', []], ['a?b?a?b', ['a?b']]
    ] as const) {
      expect([...prefixKeys('hls', '/a/', { ...viewer, query })], query).to.deep.equal(prefixes.map((prefix) => key('/a/', { query: prefix })))
    }
  })

  it('is the same for a dollar and its escape in DASH, whose manifests carry the one for the other', () => {
    const [plain, escaped] = ['a=$1&b', 'a=%241&b'].map((query) => ({ ...viewer, query }))
    for (const [family, same] of [['dash', true], ['hls', false], ['file', false]] as const) {
      expect(sessionKey(family, '/a/', plain!) === sessionKey(family, '/a/', escaped!), family).to.equal(same)
    }
    expect([...prefixKeys('dash', '/a/', plain!)]).to.deep.equal([...prefixKeys('dash', '/a/', escaped!)]).and.include(sessionKey('dash', '/a/', { ...viewer, query: 'a=$1' }))
  })

  it('is looked for in a bounded number of prefixes', () => {
    expect([...prefixKeys('hls', '/a/', { ...viewer, query: '&'.repeat(16_000) })]).to.have.length(32)
    expect([...prefixKeys('hls', '/a/', { ...viewer, query: '?'.repeat(16_000) })]).to.have.length(32)
  })

  for (const [raw, query] of [
    ['token=1', 'token=1'], ['token=1&_HLS_msn=3&_HLS_part=0', 'token=1'], ['_HLS_msn=3&token=1', 'token=1'], ['_HLS_msn=3', ''], ['x_HLS_=1', 'x_HLS_=1'],
    ['a="b"', 'a=%22b%22'], ['a=%22', 'a=%22'], ['a=é', 'a=%C3%A9'], ['a=😀', 'a=%F0%9F%98%80'], ['a=\ud800', 'a=%EF%BF%BD'], ['a=b c\r\n', 'a=b%20c%0D%0A'], ['a#b', 'a%23b'], ['a=%zz+<>', 'a=%zz+<>']
  ] as const) {
    it(`has the query ${JSON.stringify(query)} for ${JSON.stringify(raw)}`, () => { expect(viewerQuery(raw)).to.equal(query) })
  }
})
