import { expect } from 'chai'
import { startBackend, type ControlledBackend } from '../../support/backend.js'
import { cleanup, type Cleanup } from '../../support/cleanup.js'
import { fileClient } from '../../support/file-clients.js'
import { hlsStream, writeFiles } from '../../support/hls-files.js'
import { startRedis, type RedisServer } from '../../support/redis.js'
import { startServer, type TestServer } from '../../support/server.js'
import { devicesOf, openViewer, type Viewer } from '../../support/viewers.js'
import { until } from '../../support/waiting.js'

const HOUR_MS = 3_600_000
const HEARTBEAT_MS = 300
const LEASE_MS = 3 * HEARTBEAT_MS

/** Makes the clock of a process go wrong, before anything in it reads the time. */
const clockOf = (offMs: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`
    const Right = Date
    globalThis.Date = class Date extends Right {
      constructor(...args) { if (args.length === 0) super(Date.now()); else super(...args) }
      static now() { return Right.now() + ${offMs} }
    }`)}`
})

describe('three servers whose clocks are an hour apart', function () {
  this.timeout(60_000)
  const all = cleanup()
  let keep: Cleanup
  let backend: ControlledBackend
  let redis: RedisServer
  let servers: [TestServer, TestServer, TestServer]
  let users = 0

  const start = async (offMs: number): Promise<TestServer> => {
    const server = all(await startServer({
      env: clockOf(offMs), config: { rtmps: null, https: null, static: { router: '/static', root: 'static' } },
      options: { url: backend.url, limits: { barMs: 2000 }, rememberMs: 60_000, store: { url: redis.url, prefix: 'clocks', heartbeatMs: HEARTBEAT_MS } }
    }))
    await writeFiles(`${server.dir}/static`, hlsStream('live/s', { segments: 3 }))
    await server.waitFor(({ auth }) => auth?.stats().store?.up)
    return server
  }
  before(async () => {
    backend = all(await startBackend())
    redis = all(await startRedis())
    const used = new Set<string>()
    backend.answer(({ query }) => {
      const once = new URLSearchParams(query).get('once')
      if (once !== null && used.has(once)) return { status: 403 }
      if (once !== null) used.add(once)
      return { status: 200, headers: { 'X-UserId': new URLSearchParams(query).get('user') ?? '', 'X-Max-Sessions': '1', 'X-AuthDuration': '600' } }
    })
    servers = [await start(0), await start(HOUR_MS), await start(-HOUR_MS)]
  })
  beforeEach(() => { keep = cleanup() })
  afterEach(() => keep.run())
  after(() => all.run())

  const newUser = (): string => `user${++users}`
  const watch = async (server: TestServer, user: string, device: string): Promise<Viewer> =>
    keep(await openViewer(server.ports, `/live/s.flv?user=${user}`, device))

  it('do have other clocks', async () => {
    const [right, late, early] = await Promise.all(servers.map((server) => server.evaluate(() => Date.now()))) as [number, number, number]
    expect([Math.round((late - right) / HOUR_MS), Math.round((early - right) / HOUR_MS)]).to.deep.equal([1, -1])
  })

  for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]] as const) {
    it(`end the oldest of a user by when it came, and keep it out: ${order.join(', ')}`, async () => {
      const user = newUser()
      const viewers: Viewer[] = []
      for (const at of order) {
        const viewer = await watch(servers[at], user, `device ${at}`)
        expect(viewer.status).to.equal(200)
        await until(() => viewers.every(({ over }) => over), 'the one before is ended')
        viewers.push(viewer)
      }
      expect((await watch(servers[order[1]], user, `device ${order[0]}`)).status, 'it is kept out').to.equal(403)
      expect(await devicesOf(servers, user)).to.deep.equal([`device ${order[2]}`])
    })
  }

  it('keep the places of those who stay, for longer than a lease, and free those of a server that is killed', async () => {
    const places = async (): Promise<number> =>
      (await Promise.all((await redis.direct.keys('{clocks}:user:*')).map((key) => redis.direct.hkeys(key)))).flat().filter((field) => field.startsWith('p')).length
    await until(async () => await places() === 0, 'those of the tests before have left')
    const victim = await start(HOUR_MS)
    const stay = await Promise.all(servers.map((server) => watch(server, newUser(), 'stays')))
    const user = newUser()
    await watch(victim, user, 'lost')
    await until(async () => await places() === 4, 'each has its place')
    const heartbeats = async (): Promise<number> => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.direct.info('commandstats'))?.[1])
    const before = await heartbeats()
    // Each server sends two commands with a heartbeat.
    await until(async () => await heartbeats() - before > 4 * 2 * (LEASE_MS / HEARTBEAT_MS + 2), 'longer than a lease')
    expect([await places(), stay.map(({ over }) => over)]).to.deep.equal([4, [false, false, false]])
    await victim.kill()
    const next = await watch(servers[0], user, 'next')
    expect(next.status).to.equal(200)
    await until(async () => await places() === 4, 'the lost one has no place any more')
    expect([next.over, stay.map(({ over }) => over)]).to.deep.equal([false, [false, false, false]])
  })

  it('remember for each other what the backend has allowed', async () => {
    for (const [first, second] of [[0, 1], [1, 2], [2, 0]] as const) {
      const user = newUser()
      const target = `/static/live/s/720p/index.m3u8?user=${user}&once=${user}`
      const get = async (server: TestServer): Promise<number> => (await keep(fileClient(server.ports, { headers: { 'User-Agent': 'hls' } })).get(target)).status
      expect([await get(servers[first]), await get(servers[second])]).to.deep.equal([200, 200])
      expect(backend.about(`once=${user}`)).to.have.length(1)
    }
  })
})
