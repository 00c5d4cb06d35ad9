import { expect } from 'chai'
import { startBackend, type BackendAnswer, type ControlledBackend } from '../../support/backend.js'
import { cleanup, type Cleanup } from '../../support/cleanup.js'
import { openClient } from '../../support/clients.js'
import { fileClient } from '../../support/file-clients.js'
import { hlsStream, writeFiles } from '../../support/hls-files.js'
import { startRedis, type RedisServer } from '../../support/redis.js'
import { startServer, type TestServer } from '../../support/server.js'
import { longestOver, watchLag } from '../../support/surplus.js'
import { devicesOf as running, openViewer, type Viewer } from '../../support/viewers.js'
import { sleep, until } from '../../support/waiting.js'

const WATCHED = 'your account is watched on 1 other device'
const HEARTBEAT_MS = 500
const LEASE_MS = 3 * HEARTBEAT_MS

describe('the limit of a user over three servers', function () {
  this.timeout(60_000)
  const all = cleanup()
  let backend: ControlledBackend
  let redis: RedisServer
  let keep: Cleanup
  const fleets = {} as Record<'endOldest' | 'denyNew', TestServer[]>
  /** The answer about those whose user is not known from the start, by how often they were asked about. */
  let recheck: (user: string) => BackendAnswer
  let users = 0

  const start = (whenFull: 'endOldest' | 'denyNew') => startServer({
    config: { rtmps: null, https: null, static: { router: '/static', root: 'static' } },
    options: {
      url: backend.url, limits: { whenFull, barMs: 2000 }, maxHeldPerIp: 0, rememberMs: 60_000, hlsIdleMs: 2000,
      store: { url: redis.url, prefix: whenFull, heartbeatMs: HEARTBEAT_MS }
    }
  })
  const isUp = async (server: TestServer): Promise<unknown> => server.waitFor(({ auth }) => auth?.stats().store?.up)
  before(async () => {
    backend = all(await startBackend())
    redis = all(await startRedis())
    backend.answer(({ query }) => {
      const params = new URLSearchParams(query)
      const named = params.get('named')
      // Who it is says only a re-check, or a denial.
      if (named !== null) return recheck(named)
      return { status: 200, headers: { 'X-UserId': params.get('user') ?? 'nobody', ...(params.has('max') && { 'X-Max-Sessions': params.get('max')! }) } }
    })
    for (const whenFull of ['endOldest', 'denyNew'] as const) {
      fleets[whenFull] = await Promise.all([1, 2, 3].map(() => start(whenFull)))
      for (const server of fleets[whenFull]) {
        all(server)
        await writeFiles(`${server.dir}/static`, hlsStream('live/s', { segments: 3 }))
        await isUp(server)
      }
    }
  })
  beforeEach(() => { keep = cleanup() })
  afterEach(() => keep.run())
  after(() => all.run())

  const newUser = (): string => `user${++users}`
  const watch = (server: TestServer, user: string, { device = 'player', stream = 's', max = 1, more = '' } = {}): Promise<Viewer> =>
    open(server, `/live/${stream}.flv?user=${user}&max=${max}${more}`, device)
  const open = async (server: TestServer, path: string, device: string): Promise<Viewer> => keep(await openViewer(server.ports, path, device))
  const places = async (whenFull: string): Promise<number> => {
    const keys = await redis.direct.keys(`{${whenFull}}:user:*`)
    return (await Promise.all(keys.map((key) => redis.direct.hkeys(key)))).flat().filter((field) => field.startsWith('p')).length
  }

  it('ends the oldest wherever it is, and tells it why', async () => {
    const [a, b] = fleets.endOldest as [TestServer, TestServer]
    const user = newUser()
    const first = keep(await openClient({ ports: a.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query: `user=${user}&max=1` }))
    await until(async () => (await running(fleets.endOldest, user)).length === 1, 'the first has begun')
    const second = await watch(b, user, { device: 'two' })
    await until(() => first.closedAt() > 0, 'the first is ended')
    expect(await first.rtmp!.status('NetStream.Play.Failed')).to.equal(WATCHED)
    expect([second.over, await running(fleets.endOldest, user)]).to.deep.equal([false, ['two']])
    const { session } = (await a.sessions()).find(({ event, session: { user: whose } }) => event === 'end' && whose === user)!
    const newcomer = await b.evaluate(({ auth }, whose) => auth!.sessions().find((each) => each.user === whose)!.id, user)
    expect(session).to.deep.include({ endReason: 'limit', goneFor: { rule: 'endOldest', by: { session: newcomer, ip: '127.0.0.1', userAgent: 'two' } } })
  })

  it('refuses a device that was ended on one of them on all of them, also with a fresh link', async () => {
    const [a, b, c] = fleets.endOldest as [TestServer, TestServer, TestServer]
    const user = newUser()
    const first = await watch(a, user, { device: 'one' })
    const second = await watch(b, user, { device: 'two' })
    await until(() => first.over, 'the first is ended')
    const asked = backend.requests.length
    for (const server of [a, b, c]) {
      const again = await watch(server, user, { device: 'one', more: '&fresh=1' })
      expect([again.status, again.text]).to.deep.equal([403, WATCHED])
    }
    const same = await watch(c, user, { device: 'one' })
    expect(same.status).to.equal(403)
    expect(backend.requests.length - asked, 'its own request is not asked about').to.be.at.most(3)
    expect(second.over).to.equal(false)
    second.close()
    await until(async () => (await watch(c, user, { device: 'one' })).status === 200, 'it gets in when there is a place')
  })

  for (const [title, stream] of [['reconnects to', 's'], ['zaps on', 'other']] as const) {
    it(`has a device that ${title} another server end its own session and nobody else's`, async () => {
      const [a, b] = fleets.denyNew as [TestServer, TestServer]
      const user = newUser()
      const [other, old] = [await watch(a, user, { device: 'box', max: 2 }), await watch(a, user, { device: 'phone', max: 2 })]
      const again = await watch(b, user, { device: 'phone', max: 2, stream })
      expect(again.status).to.equal(200)
      await until(() => old.over, 'the old one is ended')
      expect([other.over, again.over]).to.deep.equal([false, false])
    })
  }

  for (const protocol of ['HTTP-FLV', 'HLS'] as const) {
    it(`counts a session whose user a re-check names first from the next begin on, on whichever server (${protocol})`, async () => {
      const [a, b] = fleets.endOldest as [TestServer, TestServer]
      const user = newUser()
      const asked = (): number => backend.about(`named=${user}`).length
      recheck = () => ({ status: 200, headers: { 'X-AuthDuration': '1', ...(asked() > 1 && { 'X-UserId': user, 'X-Max-Sessions': '1' }) } })
      const other = await watch(a, user, { device: 'one' })
      const hls = keep(fileClient(a.ports))
      const play = async (): Promise<number> => (await hls.get(`/static/live/s/index.m3u8?named=${user}`)).status
      const nameless = protocol === 'HLS' ? undefined : await open(a, `/live/s.flv?named=${user}`, 'two')
      if (protocol === 'HLS') expect(await play()).to.equal(200)
      await until(async () => (await running([a], user)).length === 2, 'it is named')
      if (protocol === 'HLS') expect(await play()).to.equal(200)
      await sleep(1000)
      expect([other.over, nameless?.over ?? false, (await running([a], user)).length]).to.deep.equal([false, false, 2])
      const newcomer = await watch(b, user, { device: 'three' })
      await until(async () => {
        // Whoever asks for nothing any more would leave by itself. A request under way when the session ends is cut.
        if (protocol === 'HLS') await play().catch(() => undefined)
        return (await running(fleets.endOldest, user)).join() === 'three'
      }, 'the other two are ended')
      expect([newcomer.over, other.over]).to.deep.equal([false, true])
    })
  }

  it('refuses the newcomer under denyNew, wherever it comes', async () => {
    const [a, b, c] = fleets.denyNew as [TestServer, TestServer, TestServer]
    const user = newUser()
    const first = await watch(a, user, { device: 'one' })
    for (const server of [b, c]) {
      const refused = await watch(server, user, { device: 'two' })
      expect([refused.status, refused.text]).to.deep.equal([403, WATCHED])
    }
    first.close()
    await until(async () => (await watch(b, user, { device: 'two' })).status === 200, 'the place is free again')
  })

  it('counts one viewer of HLS on three servers once', async () => {
    const user = newUser()
    await until(async () => await places('denyNew') === 0, 'those of the tests before have left', 40_000)
    const clients = fleets.denyNew.map(({ ports }) => keep(fileClient(ports, { headers: { 'User-Agent': 'hls' } })))
    for (const client of clients) expect((await client.get(`/static/live/s/720p/index.m3u8?user=${user}&max=1`)).status).to.equal(200)
    await until(async () => (await running(fleets.denyNew, user)).length === 3, 'a session on each')
    expect(await places('denyNew')).to.equal(1)
    expect((await watch(fleets.denyNew[1]!, user, { device: 'two' })).status).to.equal(403)
  })

  it('gives the places of a server that is killed back when its leases end', async () => {
    const [a] = fleets.denyNew as [TestServer]
    const victim = await start('denyNew')
    await isUp(victim)
    const user = newUser()
    await watch(victim, user, { device: 'one' })
    expect((await watch(a, user, { device: 'two' })).status).to.equal(403)
    await victim.kill()
    await until(async () => (await watch(a, user, { device: 'two' })).status === 200, 'the place is free', LEASE_MS + 5000)
  })

  it('leaves nothing in the store when all have left', async () => {
    await until(async () => await places('denyNew') === 0 && await places('endOldest') === 0, 'all places are given back', 40_000)
  })

  it('holds for 1,000 joins of 50 users in storms: never more for longer than a second, never fewer', async function () {
    this.timeout(120_000)
    const servers = fleets.endOldest
    const names = Array.from({ length: 50 }, newUser)
    // What the machine itself takes from a server: by so much its timers may be late.
    const lag = await watchLag(servers)
    const watching = new Map<string, Viewer[]>(names.map((name) => [name, []]))
    let joins = 0
    for (let storm = 0; storm < 20; storm++) {
      await Promise.all(names.map(async (name, index) => {
        const viewer = await watch(servers[(index + storm) % 3]!, name, { device: `device ${storm}`, stream: `s${storm}`, max: 2 })
        joins += 1
        expect(viewer.status).to.equal(200)
        watching.get(name)!.push(viewer)
      }))
      await sleep(Math.random() * 200)
    }
    await until(() => [...watching.values()].every((viewers) => viewers.filter(({ over }) => !over).length === 2), 'each has two')
    expect(joins).to.equal(1000)
    // The newest two, and nobody else.
    for (const viewers of watching.values()) expect(viewers.map(({ over }, index) => over ? -1 : index).filter((index) => index >= 0)).to.deep.equal([18, 19])
    const events = (await Promise.all(servers.map((server) => server.sessions()))).flat().sort((one, other) => one.at - other.at)
    // Those that take part in it may each be late by as much: the newcomer's server, the store with what waits there, and
    // the server of whoever goes.
    const second = 1000 + 4 * await lag()
    for (const name of names) {
      const own = events.filter(({ session }) => session.user === name)
      expect(longestOver(own, 2), name).to.be.within(1, second)
      // Once there are two there are never fewer: nobody leaves by himself.
      let count = 0
      const counts = own.map(({ event }) => count += event === 'start' ? 1 : -1)
      expect(Math.min(...counts.slice(counts.indexOf(2))), `${name}: the fewest at a time`).to.equal(2)
    }
  })

  it('goes on without the store: nobody is refused because of it, each server counts by itself, and all again once it is back', async () => {
    const servers = fleets.endOldest as [TestServer, TestServer, TestServer]
    const user = newUser()
    const steady = await watch(servers[0], user, { device: 'steady' })
    redis.freeze()
    const began: Viewer[] = []
    try {
      for (const [index, server] of servers.entries()) began.push(await watch(server, user, { device: `device ${index}` }))
      expect(began.map(({ status }) => status)).to.deep.equal([200, 200, 200])
      await until(() => steady.over, 'its own server ends it for the other')
      expect((await running(servers, user)).length).to.equal(3)
    } finally {
      redis.thaw()
    }
    await until(async () => (await running(servers, user)).length === 1, 'one is left on all servers')
    for (const server of servers) {
      await isUp(server)
      const { store } = await server.evaluate(({ auth }) => auth!.stats())
      expect(store!.outages).to.equal(1)
      expect(server.log().match(/the store is away/g)).to.have.length(1)
      await until(() => /the store is back/.test(server.log()), 'it is said')
    }
  })
})
