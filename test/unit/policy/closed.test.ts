import { expect } from 'chai'
import type { AccessRequest } from '../../../lib/access/request.js'
import { createAllows } from '../../../lib/policy/allows.js'
import { createClosed } from '../../../lib/policy/closed.js'
import { createMemory } from '../../../lib/policy/memory.js'
import { viewerKey } from '../../../lib/policy/viewer-key.js'
import { ALLOW, requestOf } from './support.js'

const viewer = (change: Partial<AccessRequest> = {}): AccessRequest =>
  requestOf({ protocol: 'hls', path: '/static/live/s/index.m3u8', query: 'token=123', userAgent: 'player', ...change })

describe('what is remembered of a viewer of files who is closed', () => {
  const setup = (max?: number) => {
    const clock = { now: 0 }
    const now = (): number => clock.now
    const closed = createClosed(now, max)
    const allows = createAllows(closed, createMemory(now))
    /** A moment later. */
    const close = (request = viewer()): void => {
      clock.now += 1
      closed.add(viewerKey(request), allows.until)
      clock.now += 1
    }
    return { clock, closed, allows, close }
  }
  const FORGOTTEN: readonly (readonly [string, Partial<AccessRequest>])[] = [
    ['its own request', {}],
    ['another directory', { path: '/static/live/s/720p/1.ts' }],
    ['another stream', { path: '/static/live/t/index.m3u8', streamPath: '/live/t' }],
    ['a file', { protocol: 'file', path: '/static/live/s/poster.jpg' }],
    ['a longer query', { query: 'token=123&t=1' }],
    ['a token that comes twice', { query: 'token=123?token=123' }],
    ['a directive of low-latency players', { query: 'token=123&_HLS_msn=7' }],
    ['a longer query of another directory', { path: '/static/live/s/720p/1.ts', query: 'token=123&a=1&b=2' }]
  ]
  const KEPT: readonly (readonly [string, Partial<AccessRequest>])[] = [
    ['another token', { query: 'token=124' }],
    ['a token that begins alike', { query: 'token=1234' }],
    ['another parameter before it', { query: 'a=1&token=123' }],
    ['another address', { ip: '203.0.113.8' }],
    ['another player', { userAgent: 'VLC' }],
    ['a live stream', { protocol: 'http-flv', path: '/live/s.flv' }]
  ]
  for (const [title, change] of FORGOTTEN) {
    it(`is forgotten for ${title}`, () => {
      const { allows, close } = setup()
      allows.set(viewer(change), ALLOW, 1000)
      close()
      expect(allows.get(viewer(change))).to.equal(undefined)
    })
  }
  for (const [title, change] of KEPT) {
    it(`is kept for ${title}`, () => {
      const { allows, close } = setup()
      allows.set(viewer(change), ALLOW, 1000)
      close()
      expect(allows.get(viewer(change))).to.equal(ALLOW)
    })
  }
  it('is forgotten for a hundred longer queries that its session never had', () => {
    const { allows, close } = setup()
    const others = Array.from({ length: 100 }, (_, n) => viewer({ query: `token=123&t=${n}` }))
    for (const other of others) allows.set(other, ALLOW, 1000)
    close()
    expect(others.filter((other) => allows.get(other) !== undefined)).to.deep.equal([])
  })
  it('counts again once the backend has allowed it again', () => {
    const { allows, close } = setup()
    allows.set(viewer(), ALLOW, 1000)
    close()
    allows.set(viewer(), ALLOW, 1000)
    expect(allows.get(viewer())).to.equal(ALLOW)
  })
  it('is forgotten as long as the longest allow, whenever it was said', () => {
    const { allows, closed, close, clock } = setup()
    const long = viewer({ query: 'token=123&t=1' })
    allows.set(long, ALLOW, 100_000)
    allows.set(viewer(), ALLOW, 10)
    close()
    clock.now = 99_999
    expect(allows.get(long)).to.equal(undefined)
    clock.now = 100_001
    close(viewer({ query: 'token=124' }))
    expect(closed.size, 'nothing is remembered that could be older').to.equal(0)
  })
  it('stays forgotten where more are closed than can be told apart: then nothing of files counts that is as old', () => {
    const { allows, closed, close } = setup(3)
    const others = [1, 2, 3].map((n) => viewer({ query: `other=${n}` }))
    const live = requestOf()
    allows.set(live, ALLOW, 1000)
    allows.set(viewer(), ALLOW, 1000)
    close()
    allows.set(viewer({ query: 'newer=1' }), ALLOW, 1000)
    for (const other of others) close(other)
    expect(closed.size).to.equal(3)
    expect(allows.get(viewer())).to.equal(undefined)
    expect(allows.get(viewer({ query: 'newer=1' }))).to.equal(ALLOW)
    expect(allows.get(live)).to.equal(ALLOW)
  })
})
