import { expect } from 'chai'
import fc from 'fast-check'
import type { AccessRequest } from '../../../lib/access/request.js'
import { createMemory } from '../../../lib/policy/memory.js'
import { requestKey } from '../../../lib/policy/request-key.js'
import { ALLOW, requestOf } from './support.js'

describe('the key of an access request', () => {
  const hls = { protocol: 'hls', path: '/public/live/s/index.m3u8' } as const
  const cases: readonly (readonly [string, Partial<AccessRequest>, Partial<AccessRequest>, boolean])[] = [
    ['another session', {}, { sessionId: 'S2' }, true],
    ['another origin', {}, { origin: 'rtmp://other' }, true],
    ['the same over TLS', {}, { protocol: 'rtmps' }, true],
    ['FLV over TLS', { protocol: 'http-flv' }, { protocol: 'https-flv' }, true],
    ['WebSocket over TLS', { protocol: 'ws-flv' }, { protocol: 'wss-flv' }, true],
    ['HTTP and WebSocket', { protocol: 'http-flv' }, { protocol: 'ws-flv' }, false],
    ['RTMP and HTTP', {}, { protocol: 'http-flv' }, false],
    ['a publisher', {}, { action: 'publish' }, false],
    ['another address', {}, { ip: '203.0.113.8' }, false],
    ['another stream', {}, { streamPath: '/live/t' }, false],
    ['another token', {}, { query: 'token=124' }, false],
    ['the parameters in another order', { query: 'a=1&b=2' }, { query: 'b=2&a=1' }, false],
    ['a token that came twice', {}, { query: 'token=123&token=123' }, false],
    ['another player', {}, { userAgent: 'VLC' }, false],
    ['another file of the directory', hls, { ...hls, path: '/public/live/s/7.ts' }, true],
    ['another directory', hls, { ...hls, path: '/public/live/t/index.m3u8' }, false],
    ['a directory below', hls, { ...hls, path: '/public/live/s/hd/index.m3u8' }, false],
    ['a low-latency directive', { ...hls, query: 'token=1' }, { ...hls, query: '_HLS_msn=7&token=1&_HLS_part=2' }, true],
    ['a directive without HLS', { query: 'token=1' }, { query: 'token=1&_HLS_msn=1' }, false],
    ['a file and a stream of the same path', hls, { ...hls, protocol: 'file' }, false],
    ['text moved from the query to the user agent', { query: 'a', userAgent: 'bc' }, { query: 'ab', userAgent: 'c' }, false],
    ['another address, where that does not count', { ...hls, identity: ['query', 'userAgent'] }, { ...hls, identity: ['query', 'userAgent'], ip: '203.0.113.9' }, true],
    ['another player, where addresses do not count', { ...hls, identity: ['query', 'userAgent'] }, { ...hls, identity: ['query', 'userAgent'], userAgent: 'VLC' }, false],
    ['another address and player, where the query alone counts', { ...hls, identity: ['query'] }, { ...hls, identity: ['query'], ip: '203.0.113.9', userAgent: 'VLC' }, true],
    ['half a surrogate pair', { query: '\ud800' }, { query: '\ud801' }, false]
  ]
  for (const [what, a, b, same] of cases) {
    it(`is ${same ? 'the same' : 'different'} for ${what}`, () => {
      expect(requestKey(requestOf(a)) === requestKey(requestOf(b))).to.equal(same)
    })
  }

  it('never joins two live requests that differ', () => {
    const text = fc.string({ unit: fc.constantFrom('0', '1', ':', '/'), maxLength: 4 })
    const parts = fc.record({ ip: text, streamPath: text, query: text, userAgent: text })
    fc.assert(fc.property(parts, parts, (a, b) => {
      expect(requestKey(requestOf(a)) === requestKey(requestOf(b))).to.equal(JSON.stringify(a) === JSON.stringify(b))
    }))
  })
})

describe('the memory of allows', () => {
  it('forgets when the time is over', () => {
    let now = 0
    const memory = createMemory(() => now)
    memory.set('a', ALLOW, 100)
    now = 99
    expect(memory.get('a')).to.equal(ALLOW)
    now = 100
    expect(memory.get('a')).to.equal(undefined)
    expect(memory.size).to.equal(0)
  })

  it('lets go of the oldest when it is full', () => {
    const memory = createMemory(() => 0, 3)
    for (const key of ['a', 'b', 'c', 'a', 'd']) memory.set(key, ALLOW, 100)
    expect(['a', 'b', 'c', 'd'].filter((key) => memory.get(key))).to.deep.equal(['a', 'c', 'd'])
    expect(memory.size).to.equal(3)
  })

  it('lets go of what is over without being asked for it', () => {
    let now = 0
    const memory = createMemory(() => now)
    for (let i = 0; i < 1000; i += 1) memory.set(`old ${i}`, ALLOW, 100)
    now = 200
    memory.set('new', ALLOW, 100)
    expect(memory.size).to.equal(1)
  })

  it('never grows over its bound', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(50), fc.nat(20))), (steps) => {
      let now = 0
      const memory = createMemory(() => now, 5)
      for (const [key, forMs, wait] of steps) {
        memory.set(String(key), ALLOW, forMs)
        now += wait
        expect(memory.size).to.be.at.most(5)
      }
    }))
  })
})
