import { expect } from 'chai'
import fc from 'fast-check'
import type { Place } from '../../../lib/access/place.js'
import type { AccessRequest } from '../../../lib/access/request.js'
import type { LimitSettings } from '../../../lib/access/settings.js'
import { allow, type Verdict } from '../../../lib/access/verdict.js'
import { createRegistry, type Registry } from '../../../lib/sessions/registry.js'
import type { Session } from '../../../lib/sessions/session.js'

interface Client { readonly id: string, readonly place: Place | undefined, readonly refused: Verdict | undefined, quiet: number, goneAfter: number, message: string | undefined }

const SETTINGS: LimitSettings = { perUser: 0, whenFull: 'endOldest', barMs: 20_000, userParams: [], ignoreUsers: [] }

describe('the limit of a user', () => {
  let registry: Registry
  let now: number
  let due: { at: number, run: () => void }[]
  let acted: string[]
  let many: string[]
  let ids: number
  const use = (settings: Partial<LimitSettings> | false = {}): void => {
    now = 1000
    due = []
    acted = []
    many = []
    ids = 0
    const inForce = settings === false ? false : { ...SETTINGS, ...settings }
    registry = createRegistry({
      limits: () => inForce,
      onLimit: (action) => acted.push(action), onManyAddresses: (user) => many.push(user),
      now: () => now, later: (run, ms) => due.push({ at: now + ms, run })
    })
  }
  beforeEach(() => use())
  const pass = (ms: number): void => {
    const end = now + ms
    for (;;) {
      const next = due.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0]
      if (next === undefined) break
      due.splice(due.indexOf(next), 1)
      now = next.at
      next.run()
    }
    now = end
  }
  interface Wish { user?: string, max?: number, device?: string, stream?: string, protocol?: AccessRequest['protocol'], query?: string, action?: 'play' | 'publish', begins?: boolean }
  /** Comes to the door and, where it may, begins. */
  const come = ({ user = 'user', max, device = '192.0.2.1', stream = '/live/s', protocol = 'rtmp', query = '', action = 'play', begins = true }: Wish = {}): Client => {
    const id = `s${ids++}`
    const request = { sessionId: id, action, protocol, ip: device, userAgent: 'player', streamPath: stream, path: `${stream}/index.m3u8`, query, origin: '' } as AccessRequest
    const client: { -readonly [K in keyof Client]: Client[K] } = { id, place: undefined, refused: undefined, quiet: 0, goneAfter: 1000, message: undefined }
    const kept = registry.refuse(request)
    const place = kept ?? registry.reserve(request, { ...allow('backend', 'yes'), ...(user !== '' && { userId: user }), ...(max !== undefined && { maxSessions: max }) })
    if ('allowed' in place) client.refused = place
    else {
      client.place = place
      if (begins) begin(client)
    }
    return client
  }
  const begin = (client: Client): void => {
    const { place } = client
    place?.begin({ address: '', inBytes: 0, outBytes: 1, quietMs: () => client.quiet, goneAfterMs: () => client.goneAfter, close: (message) => { client.message = message } })
    if (place?.request.protocol === 'hls') place.take(true)
  }
  const running = (): string[] => registry.list().map(({ id }) => id)

  it('is none unless the backend or the operator says so', () => {
    for (let n = 0; n < 5; n++) come({ device: `192.0.2.${n}` })
    pass(5000)
    expect(running()).to.have.length(5)
  })

  it('lets the newcomer play at once, and half a second later the oldest goes, who hears why', () => {
    const first = come({ max: 1, device: 'a' })
    const second = come({ max: 1, device: 'b' })
    pass(499)
    expect(running()).to.deep.equal([first.id, second.id])
    pass(1)
    expect(running()).to.deep.equal([second.id])
    expect([first.message, first.place?.endReason, acted]).to.deep.equal(['your account is watched on 1 other device', 'limit', ['endOldest']])
  })

  it('ends nobody where the old connection is closed meanwhile', () => {
    const first = come({ max: 1, device: 'a' })
    const second = come({ max: 1, device: 'b' })
    pass(300)
    first.place?.end('left')
    pass(1000)
    expect([running(), acted]).to.deep.equal([[second.id], []])
  })

  it('is never exceeded for longer than a second, however long newcomers go on coming', () => {
    let overSince: number | undefined
    let longest = 0
    for (let n = 0; n < 100; n++) {
      come({ max: 2, device: `d${n}` })
      for (let step = 0; step < 10; step++) {
        pass(10)
        if (registry.size <= 2) overSince = undefined
        else longest = Math.max(longest, now - (overSince ??= now))
      }
    }
    expect(longest).to.be.at.most(1000)
    pass(1000)
    expect(running()).to.deep.equal(['s98', 's99'])
  })

  for (const whenFull of ['endOldest', 'denyNew'] as const) {
    it(`is exceeded for half a second at most, whoever comes on whichever channel, and whenever (${whenFull})`, () => {
      fc.assert(fc.property(
        fc.array(fc.record({ device: fc.integer({ min: 0, max: 3 }), stream: fc.integer({ min: 0, max: 2 }), afterMs: fc.integer({ min: 0, max: 400 }), leaves: fc.boolean() }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        (comers, max) => {
          use({ whenFull })
          let overSince: number | undefined
          const step = (ms: number): void => {
            for (let n = 0; n < ms; n++) {
              pass(1)
              overSince = registry.size <= max ? undefined : overSince ?? now
              expect(now - (overSince ?? now), 'how long there are too many').to.be.at.most(500)
            }
          }
          const clients: Client[] = []
          for (const { device, stream, afterMs, leaves } of comers) {
            if (leaves) clients.at(0)?.place?.end('left')
            clients.push(come({ max, device: `d${device}`, stream: `/live/${stream}` }))
            step(afterMs)
          }
          const wanted = clients.filter(({ refused, place }) => refused === undefined && place?.endReason !== 'left').length
          step(1000)
          expect(registry.size, 'who is left').to.equal(Math.min(max, wanted))
        }), { numRuns: 300 })
    })
    it(`never bars or refuses the only device of a user, however fast it zaps with its old connections open (${whenFull})`, () => {
      fc.assert(fc.property(fc.array(fc.record({ stream: fc.integer({ min: 0, max: 9 }), afterMs: fc.integer({ min: 50, max: 700 }) }), { minLength: 1, maxLength: 30 }), (zaps) => {
        use({ whenFull })
        let last = -1
        for (const { stream, afterMs } of zaps) {
          // Going on with the same channel again and again is what two devices that look alike do.
          if (stream === last) continue
          last = stream
          expect(come({ max: 1, stream: `/live/${stream}` }).refused).to.equal(undefined)
          pass(afterMs)
        }
        pass(1000)
        expect([registry.size, acted.filter((action) => action !== 'zap' && action !== 'reconnect')]).to.deep.equal([1, []])
      }), { numRuns: 300 })
    })
    it(`leaves two of twelve who come in one turn (${whenFull})`, () => {
      use({ whenFull })
      for (let n = 0; n < 12; n++) come({ max: 2, device: `d${n}`, begins: false })
      const all = Array.from({ length: 12 }, (_, n) => come({ max: 2, device: `e${n}`, begins: false }))
      expect(registry.size).to.equal(0)
      for (const client of all) begin(client)
      pass(1000)
      expect(registry.size).to.equal(whenFull === 'endOldest' ? 2 : 0)
    })
  }

  it('refuses the newcomer under denyNew, counts those who have not begun, and frees the place of who leaves', () => {
    use({ whenFull: 'denyNew' })
    const first = come({ max: 2, device: 'a', begins: false })
    const second = come({ max: 2, device: 'b', begins: false })
    expect(come({ max: 2, device: 'c' }).refused).to.include({ source: 'limit' })
    first.place?.end('left')
    begin(second)
    expect(come({ max: 2, device: 'c' }).refused).to.equal(undefined)
    expect(come({ max: 2, device: 'd' }).refused?.reason).to.equal('your account is watched on 2 other devices')
    expect(acted).to.deep.equal(['denyNew', 'denyNew'])
  })

  describe('says who goes:', () => {
    const cases: readonly (readonly [title: string, who: readonly (Wish & { quiet?: number })[], newcomer: Wish, goes: number, rule: string])[] = [
      ['the same device on the same stream before an older one', [{ device: 'a' }, { device: 'b', stream: '/live/x' }], { device: 'b', stream: '/live/x' }, 1, 'reconnect'],
      ['who is gone before another stream of the device', [{ device: 'b', stream: '/live/1' }, { device: 'c', quiet: 1000 }], { device: 'b', stream: '/live/2' }, 1, 'gone'],
      ['another stream of the device before an older one', [{ device: 'a' }, { device: 'b', stream: '/live/1' }], { device: 'b', stream: '/live/2' }, 1, 'zap'],
      ['the quietest stream of the device', [{ device: 'b', stream: '/live/1' }, { device: 'b', stream: '/live/2', quiet: 900 }], { device: 'b', stream: '/live/3' }, 1, 'zap'],
      ['else the oldest', [{ device: 'a' }, { device: 'b' }], { device: 'c' }, 0, 'endOldest']
    ]
    for (const [title, who, newcomer, goes, rule] of cases) {
      for (const whenFull of rule === 'endOldest' ? ['endOldest'] as const : ['endOldest', 'denyNew'] as const) {
        it(`${title} (${whenFull})`, () => {
          use({ whenFull })
          const before = who.map((wish) => {
            const client = come({ max: 2, ...wish })
            client.quiet = wish.quiet ?? 0
            return client
          })
          const last = come({ max: 2, ...newcomer })
          expect(last.refused).to.equal(undefined)
          pass(500)
          expect(running()).to.deep.equal([...before.filter((_, n) => n !== goes), last].map(({ id }) => id))
          expect(acted).to.deep.equal([rule])
          expect(before[goes]?.place?.endReason).to.equal('limit')
        })
      }
    }
    it('the newcomer under denyNew, where who would have gone for it is there after all', () => {
      use({ whenFull: 'denyNew' })
      const gone = come({ max: 1, device: 'a' })
      gone.quiet = 1000
      const newcomer = come({ max: 1, device: 'b' })
      gone.quiet = 0
      pass(500)
      expect([running(), newcomer.place?.endReason]).to.deep.equal([[gone.id], 'limit'])
    })
  })

  describe('counts', () => {
    it('HLS of one device and stream once, and never ends one of them for the other', () => {
      const first = come({ max: 1, protocol: 'hls', query: 'token=1' })
      const second = come({ max: 1, protocol: 'hls', query: 'token=2' })
      pass(1000)
      expect(running()).to.deep.equal([first.id, second.id])
      const phone = come({ max: 1, protocol: 'hls', device: 'phone' })
      pass(1000)
      expect(running()).to.deep.equal([phone.id])
    })
    it('no publisher', () => {
      for (let n = 0; n < 3; n++) come({ max: 1, action: 'publish', device: `${n}` })
      const player = come({ max: 1 })
      pass(1000)
      expect([registry.size, player.place?.endReason]).to.deep.equal([4, undefined])
    })
    it('those who came before the first limit was heard', () => {
      const [first, second] = [come({ device: 'a' }), come({ device: 'b' })]
      const third = come({ device: 'c', max: 2 })
      pass(500)
      expect([running(), second.message, first.message]).to.deep.equal([[second.id, third.id], undefined, 'your account is watched on 2 other devices'])
    })
    it('by the newcomer\'s own answer, which may be lower than the last', () => {
      for (const device of ['a', 'b', 'c']) come({ max: 3, device })
      const last = come({ max: 1, device: 'd' })
      pass(500)
      expect(running()).to.deep.equal([last.id])
    })
    it('0 as no limit, whatever was said before', () => {
      come({ max: 1, device: 'a' })
      come({ max: 0, device: 'b' })
      pass(500)
      expect(registry.size).to.equal(2)
    })
    it('nobody where limits is false', () => {
      use(false)
      for (const device of ['a', 'b', 'c']) come({ max: 1, device })
      pass(500)
      expect(registry.size).to.equal(3)
    })
    it('nobody whom an ignored id stands for', () => {
      use({ ignoreUsers: ['1', '/*'] })
      for (const user of ['1', '/get/x']) for (const device of ['a', 'b', 'c']) come({ user, max: 1, device })
      pass(500)
      expect(registry.size).to.equal(6)
    })
    for (const [what, settings, one, other, same] of [
      ['the query', {}, 'token=1', 'token=1', true],
      ['the query, as it is', {}, 'token=1', 'token=1&x=1', false],
      ['the query less what low-latency players add', {}, 'token=1', 'token=1&_HLS_msn=5', true],
      ['the parameters that stand for a user', { userParams: ['token'] }, 'token=1', 'x=2&token=1', true],
      ['nobody for an empty query', {}, '', '', false]
    ] as const) {
      it(`by ${what}`, () => {
        use({ perUser: 1, ...settings })
        come({ user: '', query: one, device: 'a' })
        come({ user: '', query: other, device: 'b' })
        pass(500)
        expect(registry.size).to.equal(same ? 1 : 2)
      })
    }
  })

  it('says once when an id comes from twenty addresses', () => {
    for (let n = 0; n < 30; n++) come({ max: 1, device: `192.0.2.${n}` })
    expect(many).to.deep.equal(['user'])
  })

  it('keeps nothing of users who are gone', () => {
    use({ whenFull: 'denyNew' })
    const clients = Array.from({ length: 100 }, (_, n) => come({ user: `u${n}`, max: 1, begins: n % 2 === 0 }))
    for (const client of clients) client.place?.end('left')
    expect(registry.counted).to.equal(0)
  })

  describe('bars who was ended by the policy', () => {
    it('until it has not tried for barMs; each try starts that anew', () => {
      come({ max: 1, device: 'a', query: 't=1' })
      come({ max: 1, device: 'b', query: 't=2' })
      pass(500)
      for (let n = 0; n < 10; n++) {
        pass(19_000)
        // The same link, and a fresh one.
        expect(come({ max: 1, device: 'a', query: n % 2 === 0 ? 't=1' : `t=fresh${n}` }).refused).to.include({ source: 'limit', reason: 'your account is watched on 1 other device' })
      }
      pass(20_001)
      expect(come({ max: 1, device: 'a', query: 't=1' }).refused).to.equal(undefined)
    })
    it('but not from a free place', () => {
      come({ max: 1, device: 'a' })
      const second = come({ max: 1, device: 'b' })
      pass(500)
      second.place?.end('left')
      expect(come({ max: 1, device: 'a' }).refused).to.equal(undefined)
    })
    it('before the backend is asked', () => {
      come({ max: 1, device: 'a' })
      come({ max: 1, device: 'b' })
      pass(500)
      expect(registry.refuse({ action: 'play', protocol: 'rtmp', ip: 'a', userAgent: 'player', streamPath: '/live/s', query: '', path: '' } as AccessRequest)).to.include({ source: 'limit' })
    })
  })

  it('keeps the same request out that was closed with a time', () => {
    const first = come({ device: 'a' })
    registry.end({ id: first.id }, 'closed', { barMs: 5000 })
    pass(4999)
    expect(come({ device: 'a' }).refused).to.include({ source: 'limit' })
    expect(come({ device: 'b' }).refused).to.equal(undefined)
    pass(1)
    expect(come({ device: 'a' }).refused).to.equal(undefined)
  })

  describe('lets two players that start again at once not end each other for ever', () => {
    for (const [what, wishes] of [
      ['on two devices, the same link', [{ device: 'a', query: 't' }, { device: 'b', query: 't' }]],
      ['that look alike', [{ device: 'a', query: 't=1' }, { device: 'a', query: 't=2' }]],
      ['that look alike on two streams', [{ device: 'a', stream: '/live/1' }, { device: 'a', stream: '/live/2' }]]
    ] as const) {
      for (const fresh of [false, true]) {
        it(`${what}${fresh ? ', with a fresh link each time' : ''}`, () => {
          const players = wishes.map((wish) => ({ wish, client: come({ max: 1, ...wish }) }))
          let links = 0
          let switches = 0
          for (let ms = 0; ms < 60_000; ms += 100) {
            pass(100)
            for (const player of players) {
              const { place } = player.client
              if (place !== undefined && place.endReason === undefined) continue
              player.client = come({ max: 1, ...player.wish, ...(fresh && { query: `fresh${links++}` }) })
              if (player.client.place !== undefined && ms > 20_000) switches += 1
            }
          }
          expect([registry.size, switches]).to.deep.equal([1, 0])
        })
      }
    }
  })

  for (const whenFull of ['endOldest', 'denyNew'] as const) {
    for (const streams of [['/live/a', '/live/b', '/live/c'], ['/live/a', '/live/b']]) {
      it(`lets a player zap over ${streams.length} channels on one link whose old connection stays open (${whenFull})`, () => {
        use({ whenFull })
        for (let n = 0; n < 30; n++) {
          expect(come({ max: 1, stream: streams[n % streams.length]!, query: 'static' }).refused, `zap ${n}`).to.equal(undefined)
          pass(2000)
          expect(registry.size).to.equal(1)
        }
      })
    }
  }

  describe('a re-check that names a user', () => {
    const name = ({ place }: Client, userId: string, maxSessions?: number): void =>
      (place as Session).named({ ...allow('backend', 'yes'), userId, ...(maxSessions !== undefined && { maxSessions }) })

    for (const protocol of ['rtmp', 'hls'] as const) {
      for (const [when, limit] of [['where limits are known', 1], ['before any limit was heard', undefined]] as const) {
        it(`ends nobody, and counts from the next begin on (${protocol}, ${when})`, () => {
          const first = come({ device: 'a', ...(limit !== undefined && { max: limit }) })
          const nameless = come({ user: '', device: 'b', protocol })
          name(nameless, 'user', limit)
          expect(protocol === 'hls' ? nameless.place?.take(true) : undefined, 'its next request').to.equal(undefined)
          pass(5000)
          expect([running(), acted]).to.deep.equal([[first.id, nameless.id], []])
          const newcomer = come({ device: 'c', max: 1 })
          if (protocol === 'hls') nameless.place?.take(true)
          pass(500)
          expect([running(), nameless.place?.endReason]).to.deep.equal([[newcomer.id], 'limit'])
        })
      }
    }
    it('has the next newcomer refused under denyNew', () => {
      use({ whenFull: 'denyNew' })
      come({ user: 'other', max: 1 })
      name(come({ user: '', device: 'a' }), 'user', 1)
      expect(come({ device: 'b', max: 1 }).refused?.source).to.equal('limit')
    })
    it('takes it from the one before', () => {
      use({ whenFull: 'denyNew' })
      const watching = come({ user: 'before', device: 'a', max: 1 })
      name(watching, 'after', 1)
      expect(registry.list()[0]?.user).to.equal('after')
      expect(come({ user: 'before', device: 'b', max: 1 }).refused).to.equal(undefined)
      expect(come({ user: 'after', device: 'c', max: 1 }).refused?.source).to.equal('limit')
      watching.place?.end('left')
      expect(come({ user: 'after', device: 'c', max: 1 }).refused).to.equal(undefined)
    })
    it('that stands for many, counts no more', () => {
      use({ whenFull: 'denyNew', ignoreUsers: ['many'] })
      name(come({ device: 'a', max: 1 }), 'many')
      expect([registry.counted, come({ device: 'b', max: 1 }).refused]).to.deep.equal([0, undefined])
    })
    it('shows it, and counts nobody, where limits is false', () => {
      use(false)
      name(come({ user: '', device: 'a' }), 'user', 1)
      come({ device: 'b', max: 1 })
      pass(500)
      expect([registry.list().map(({ user }) => user), registry.counted]).to.deep.equal([['user', 'user'], 0])
    })
  })

  it('of three lets three tiles of one device be; of two lets the abandoned phone go before a tile', () => {
    for (const stream of ['/live/1', '/live/2', '/live/3']) come({ max: 3, stream })
    pass(500)
    expect(registry.size).to.equal(3)
    use()
    const phone = come({ max: 2, device: 'phone', protocol: 'hls' })
    phone.quiet = 40_000
    for (const stream of ['/live/1', '/live/2']) come({ max: 2, stream })
    pass(500)
    expect([registry.size, phone.place?.endReason]).to.deep.equal([2, 'limit'])
  })
})
