import { expect } from 'chai'
import type { EndReason, Place } from '../../../lib/access/place.js'
import type { AccessRequest } from '../../../lib/access/request.js'
import { allow } from '../../../lib/access/verdict.js'
import { createRegistry, type Registry } from '../../../lib/sessions/registry.js'

describe('the registry of those who are in', () => {
  let registry: Registry
  let told: string[]
  let closed: (string | undefined)[]
  beforeEach(() => {
    registry = createRegistry()
    told = []
    closed = []
    registry.watch({
      begin: ({ request }) => told.push(`begin ${request.sessionId}`),
      end: ({ request, endReason }) => told.push(`end ${request.sessionId}: ${endReason}`),
      released: ({ request }, reason) => told.push(`released ${request.sessionId}: ${reason}`)
    })
  })
  const request = (sessionId: string): AccessRequest => ({ sessionId, action: 'play', protocol: 'rtmp', ip: '192.0.2.1', streamPath: '/live/s' }) as AccessRequest
  const reserve = (id: string, userId?: string): Place => {
    const place = registry.reserve(request(id), { ...allow('backend', 'yes'), ...(userId !== undefined && { userId }) })
    if ('allowed' in place) throw new Error(place.reason)
    return place
  }
  const client = { address: '192.0.2.1:5', inBytes: 1, outBytes: 2, quietMs: () => 0, goneAfterMs: () => Infinity, close: (message?: string) => { closed.push(message) } }

  it('has each session from its begin to its one end, whoever ends it and how often', () => {
    const place = reserve('a', 'user')
    expect(registry.size).to.equal(0)
    const end = place.begin(client)
    expect(registry.list()).to.have.length(1)
    expect(registry.list()[0]).to.include({ id: 'a', user: 'user', inBytes: 1, outBytes: 2, source: 'backend', reason: 'yes', address: '192.0.2.1:5' })
    end('idle')
    place.end('left')
    expect(told).to.deep.equal(['begin a', 'end a: idle'])
    expect(registry.size).to.equal(0)
  })

  it('tells of no begin where there was none', () => {
    const place = reserve('a')
    place.end('left')
    place.end('closed')
    expect(told).to.deep.equal(['released a: left'])
  })

  it('begins and ends what was ended before its begin', () => {
    const place = reserve('a')
    place.end('closed')
    place.begin(client)
    expect(told).to.deep.equal(['released a: closed', 'begin a', 'end a: closed'])
    expect(registry.size).to.equal(0)
  })

  it('keeps two sessions of one id apart', () => {
    const ends = ['a', 'a', 'b'].map((id) => reserve(id).begin(client))
    expect(registry.size).to.equal(3)
    ends[0]?.('left')
    expect(registry.list().map(({ id }) => id)).to.have.members(['a', 'b'])
    ends[1]?.('left')
    expect(registry.list().map(({ id }) => id)).to.deep.equal(['b'])
  })

  it('ends one by id, or all of a user, with a word for the viewer', () => {
    reserve('a', 'user').begin(client)
    reserve('b', 'user').begin(client)
    reserve('c', 'other').begin(client)
    expect(registry.end({ id: 'nobody' }, 'closed')).to.equal(0)
    expect(registry.end({ user: 'user' }, 'closed', { message: 'go away' })).to.equal(2)
    expect([closed, registry.list().map(({ id }) => id)]).to.deep.equal([['go away', 'go away'], ['c']])
    expect(told.slice(3)).to.deep.equal(['end a: closed', 'end b: closed'])
  })

  for (const reason of ['detached', 'stopped'] as const) {
    it(`is over for all when the plugin is ${reason}, also for who begins afterwards; no stream is touched`, () => {
      reserve('a').begin(client)
      const late = reserve('b')
      registry.close(reason)
      late.begin(client)
      expect(told).to.deep.equal(['begin a', `end a: ${reason}`, 'begin b', `end b: ${reason}`])
      expect([closed, registry.size]).to.deep.equal([[], 0])
    })
  }

  it('begins a session once', () => {
    const place = reserve('a')
    place.begin(client)
    expect(() => place.begin(client)).to.throw('begins twice')
  })

  it('is told of no more once a watcher is taken off', () => {
    const seen: EndReason[] = []
    const off = registry.watch({ released: (_, reason) => { seen.push(reason) } })
    reserve('a').end('left')
    off()
    reserve('b').end('left')
    expect(seen).to.deep.equal(['left'])
  })
})
