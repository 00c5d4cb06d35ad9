import { expect } from 'chai'
import { userId } from '../../../lib/store/names.js'
import { startBackend } from '../../support/backend.js'
import { cleanup, type Cleanup } from '../../support/cleanup.js'
import { openClient } from '../../support/clients.js'
import { fileClient } from '../../support/file-clients.js'
import { hlsStream, writeFiles } from '../../support/hls-files.js'
import { createStream } from '../../support/media.js'
import { startRedis } from '../../support/redis.js'
import { startServer, type TestServer } from '../../support/server.js'
import { STORE_FAULTS, type StoreFault, type StoreScene } from '../../support/store-faults.js'
import { createTcpProxy } from '../../support/tcp-proxy.js'
import { devicesOf, openViewer, type Viewer } from '../../support/viewers.js'
import { sleep, until } from '../../support/waiting.js'

const HEARTBEAT_MS = 500
const TIMEOUT_MS = 500
const LEASE_MS = 3 * HEARTBEAT_MS
/** How soon all is well again after a fault. */
const HEALED_MS = 10_000
const LIMIT = 2
/** Of those who share an account. */
const CROWDS = 2
type Policy = 'endOldest' | 'denyNew'

const count = (server: TestServer, text: RegExp): number => [...server.log().matchAll(text)].length
const AWAY = /the store is away, this server counts and remembers by itself: ./g
const BACK = /the store is back after/g

/** Somebody who plays all the time, and whose token counts once. */
interface Steady { readonly title: string, isFine(): Promise<boolean> }

/** Three servers, each with a line of its own to one store, and a stream with media on each. */
const startFleet = async (whenFull: Policy, keep: Cleanup) => {
  const backend = keep(await startBackend())
  const redis = keep(await startRedis())
  const proxies = [1, 2, 3].map(() => createTcpProxy(redis.port))
  const scene: StoreScene = { redis, proxies: await Promise.all(proxies), heartbeatMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS }
  scene.proxies.forEach(keep)
  const used = new Set<string>()
  backend.answer(({ query }) => {
    const params = new URLSearchParams(query)
    const [user, once] = [params.get('user') ?? 'publisher', params.get('once')]
    if (once !== null && used.has(once)) return { status: 403 }
    if (once !== null) used.add(once)
    return { status: 200, headers: { 'X-UserId': user, 'X-Max-Sessions': params.get('max') ?? '1', 'X-AuthDuration': '600' } }
  })
  const start = async (proxy = 0): Promise<TestServer> => {
    const server = keep(await startServer({
      config: { rtmps: null, https: null, static: { router: '/static', root: 'static' } },
      options: {
        url: backend.url, limits: { whenFull, barMs: 1000 }, maxHeldPerIp: 0, hlsIdleMs: 5000,
        store: { url: `redis://127.0.0.1:${scene.proxies[proxy]!.port}`, prefix: 'fleet', heartbeatMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS }
      }
    }))
    await writeFiles(`${server.dir}/static`, hlsStream('live/s', { segments: 3 }))
    const publisher = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s' }))
    await publisher.told
    const stream = createStream({})
    for (const message of stream.opening) publisher.sendMedia(message)
    let index = 0
    const timer = setInterval(() => {
      if (publisher.closedAt() === 0) for (const message of stream.frame(index++)) publisher.sendMedia(message)
    }, 40)
    keep({ close: () => clearInterval(timer) })
    await server.waitFor(({ auth }) => auth?.stats().store?.up)
    return server
  }
  const servers = await Promise.all([0, 1, 2].map(start)) as [TestServer, TestServer, TestServer]
  const inStore = async (user: string): Promise<number> =>
    Object.keys(await redis.direct.hgetall(`{fleet}:user:${userId(user)}`)).filter((field) => field.startsWith('p')).length
  return { scene, servers, start, inStore }
}

describe('three servers whose store fails', function () {
  this.timeout(60_000)
  let users = 0
  const newUser = (): string => `user${++users}`
  const watch = (server: TestServer, user: string, { device = 'player', max = 1 } = {}): Promise<Viewer> =>
    openViewer(server.ports, `/live/s.flv?user=${user}&max=${max}&once=${user}${device.replaceAll(' ', '')}`, device)
  const live = async (server: TestServer, keep: Cleanup): Promise<Steady> => {
    const viewer = keep(await watch(server, newUser()))
    let before = 0
    return {
      title: 'HTTP-FLV',
      async isFine() {
        await until(() => viewer.over || viewer.bytes > before, 'media comes')
        before = viewer.bytes
        return viewer.status === 200 && !viewer.over
      }
    }
  }
  const hls = async (server: TestServer, keep: Cleanup): Promise<Steady> => {
    const user = newUser()
    const client = keep(fileClient(server.ports, { headers: { 'User-Agent': 'hls' } }))
    const isFine = async (): Promise<boolean> => {
      const { status, text } = await client.get(`/static/live/s/720p/index.m3u8?user=${user}&once=${user}`)
      const segment = text.split('\n').find((line) => line.includes('.ts')) ?? ''
      return status === 200 && (await client.get(new URL(segment, 'http://x/static/live/s/720p/').href.slice('http://x'.length))).status === 200
    }
    if (!await isFine()) throw new Error('the viewer of HLS does not play')
    return { title: 'HLS', isFine }
  }
  const expectFine = async (steady: readonly Steady[], when: string): Promise<void> => {
    for (const each of steady) expect(await each.isFine(), `${each.title} plays ${when}`).to.equal(true)
  }
  const median = (values: readonly number[]): number => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0

  for (const [whenFull, faults] of [
    ['endOldest', STORE_FAULTS],
    ['denyNew', STORE_FAULTS.filter(({ title }) => /^(?:stopped|killed|slow|somebody)/.test(title))]
  ] as const satisfies [Policy, readonly StoreFault[]][]) {
    describe(`under ${whenFull}`, () => {
      const all = cleanup()
      let keep: Cleanup
      let fleet: Awaited<ReturnType<typeof startFleet>>
      before(async () => { fleet = await startFleet(whenFull, all) })
      beforeEach(() => { keep = cleanup() })
      afterEach(() => keep.run())
      after(() => all.run())

      for (const { title, begin, end } of faults) {
        it(`because it is ${title}: refuse nobody for it, hold each its own limits, say it once, and then hold one limit again`, async () => {
          const { scene, servers, inStore } = fleet
          const steady = (await Promise.all(servers.flatMap((server) => [live(server, keep), hls(server, keep)])))
          const logs = servers.map((server) => [count(server, AWAY), count(server, BACK)] as const)
          const said = (text: RegExp, index: 0 | 1): number[] => servers.map((server, at) => count(server, text) - logs[at]![index])
          const outages = (): Promise<number[]> => Promise.all(servers.map((server) => server.evaluate(({ auth }) => auth!.stats().store!.outages)))
          const outagesBefore = await outages()

          const given = begin(scene)
          const crowds = Array.from({ length: CROWDS }, newUser)
          const waits: number[] = []
          const statuses: number[] = []
          for (let round = 0; round < LIMIT + 2; round++) {
            for (const user of crowds) for (const [at, server] of servers.entries()) {
              const since = performance.now()
              const { status } = keep(await watch(server, user, { device: `device ${round} of ${at}`, max: LIMIT }))
              waits.push(performance.now() - since)
              statuses.push(status)
            }
            if (round < 2) steady.push(await live(servers[round]!, keep), await hls(servers[round]!, keep))
            await expectFine(steady, 'meanwhile')
          }
          // The policy denies what is over a server's own limit, and nobody else is denied.
          const perServer = CROWDS * servers.length
          const allowed = statuses.filter((status) => status === 200).length
          expect([statuses.filter((status) => status !== 200 && status !== 403), allowed])
            .to.deep.equal([[], perServer * (whenFull === 'denyNew' ? LIMIT : LIMIT + 2)])
          expect(median(waits), 'how long most wait').to.be.below(TIMEOUT_MS)
          for (const user of crowds) for (const server of servers) {
            await until(async () => (await devicesOf([server], user)).length === LIMIT, `${user} has as many as the limit on each server`)
          }
          await until(() => said(AWAY, 0).every((times) => times > 0), 'it is said')
          await expectFine(steady, 'while each counts by itself')

          await end(scene)
          await given
          for (const server of servers) await server.waitFor(({ auth }) => auth!.stats().store!.up)
          for (const user of crowds) {
            await until(async () => (await devicesOf(servers, user)).length === LIMIT && await inStore(user) === LIMIT, `${user} has as many as the limit on all servers`, HEALED_MS)
          }
          await sleep(2 * HEARTBEAT_MS)
          for (const user of crowds) expect(await devicesOf(servers, user), 'and not fewer').to.have.length(LIMIT)
          await expectFine(steady, 'afterwards')
          expect([said(AWAY, 0), said(BACK, 1)]).to.deep.equal([[1, 1, 1], [1, 1, 1]])
          expect(await outages()).to.deep.equal(outagesBefore.map((before) => before + 1))
          // One limit again: a newcomer on one of them ends somebody on another, or is refused for it.
          const [user] = crowds as [string]
          const newcomer = keep(await watch(servers[2], user, { device: 'afterwards', max: LIMIT }))
          expect(newcomer.status).to.equal(whenFull === 'denyNew' ? 403 : 200)
          await until(async () => (await devicesOf(servers, user)).length === LIMIT, 'it counts everywhere', HEALED_MS)
        })
      }

      if (whenFull === 'denyNew') return

      it('loses all that was in it: nobody stops, and one limit holds again with the next heartbeats', async () => {
        const { scene, servers, inStore } = fleet
        const steady = await Promise.all(servers.flatMap((server) => [live(server, keep), hls(server, keep)]))
        const user = newUser()
        for (const [at, server] of servers.slice(0, LIMIT).entries()) {
          keep(await watch(server, user, { device: `device ${at}`, max: LIMIT }))
          // A server that registers its sessions anew knows their age, but not to the millisecond.
          await sleep(HEARTBEAT_MS)
        }
        await until(async () => await inStore(user) === LIMIT, 'both are there')
        await scene.redis.direct.flushall()
        await scene.redis.direct.script('FLUSH')
        await until(async () => await inStore(user) === LIMIT, 'both are there again', HEALED_MS)
        await expectFine(steady, 'afterwards')
        keep(await watch(servers[2], user, { device: 'afterwards', max: LIMIT }))
        await until(async () => (await devicesOf(servers, user)).sort().join() === 'afterwards,device 1', 'the oldest goes', HEALED_MS)
      })
    })
  }

  describe('for one of them alone', () => {
    const all = cleanup()
    let keep: Cleanup
    let fleet: Awaited<ReturnType<typeof startFleet>>
    before(async () => { fleet = await startFleet('endOldest', all) })
    beforeEach(() => { keep = cleanup() })
    afterEach(() => keep.run())
    after(() => all.run())

    for (const [title, begin, end] of [
      ['is cut off from it', (scene: StoreScene) => scene.proxies[2]!.cut(), (scene: StoreScene) => scene.proxies[2]!.mend()],
      ['cannot connect to it', (scene: StoreScene) => scene.proxies[2]!.refuse(), (scene: StoreScene) => scene.proxies[2]!.mend()],
      ['stands still itself', (_: StoreScene, { pid }: TestServer) => { process.kill(pid, 'SIGSTOP') }, (_: StoreScene, { pid }: TestServer) => { process.kill(pid, 'SIGCONT') }]
    ] as const) {
      it(`which ${title}: the others go on as if it were not there, and then all have one limit again`, async () => {
        const { scene, servers, inStore } = fleet
        const [a, , victim] = servers
        const others = servers.slice(0, 2)
        const steady = await Promise.all(others.flatMap((server) => [live(server, keep), hls(server, keep)]))
        const alone = await Promise.all([live(victim, keep), hls(victim, keep)])
        const [early, late, idle] = [newUser(), newUser(), newUser()]
        for (const user of [early, late, idle]) keep(await watch(victim, user, { device: 'there' }))
        for (const user of [early, late, idle]) await until(async () => await inStore(user) === 1, 'it has its place')
        const logs = others.map((server) => count(server, AWAY))

        begin(scene, victim)
        try {
          const newcomer = keep(await watch(a, early, { device: 'here' }))
          expect(newcomer.status).to.equal(200)
          await until(async () => await inStore(idle) === 0 || (await scene.redis.direct.exists(`{fleet}:user:${userId(idle)}`)) === 0 || await isFree(idle), 'its leases end', LEASE_MS + 10_000)
          const later = keep(await watch(a, late, { device: 'here' }))
          expect(later.status).to.equal(200)
          await expectFine(steady, 'meanwhile')
          if (title !== 'stands still itself') await expectFine(alone, 'meanwhile')
          expect([newcomer.over, later.over]).to.deep.equal([false, false])
        } finally {
          end(scene, victim)
        }
        await victim.waitFor(({ auth }) => auth!.stats().store!.up)
        for (const user of [early, late]) await until(async () => (await devicesOf(servers, user)).join() === 'here', 'the one that was there goes')
        await until(async () => await inStore(idle) === 1, 'whoever is alone has a place again')
        await expectFine([...steady, ...alone], 'afterwards')
        expect(await devicesOf(servers, idle)).to.deep.equal(['there'])
        expect(others.map((server, at) => count(server, AWAY) - logs[at]!), 'the others never say that it is away').to.deep.equal([0, 0])
        expect(count(victim, AWAY)).to.equal(count(victim, BACK))
      })
    }

    /** Whether nobody holds the user's place any more, though its field may still be there. */
    const isFree = async (user: string): Promise<boolean> => {
      const { direct } = fleet.scene.redis
      const [seconds = 0] = (await direct.time()).map(Number)
      const places = Object.entries(await direct.hgetall(`{fleet}:user:${userId(user)}`)).filter(([field]) => field.startsWith('p'))
      return places.every(([, text]) => [...text.matchAll(/=(\d+)/g)].every(([, until]) => Number(until) < seconds * 1e6))
    }

    it('which is killed: its places are free when its leases end, nobody else stops, and another takes part in its stead', async () => {
      const { servers, start, inStore } = fleet
      const [a, b] = servers
      const steady = await Promise.all([a, b].flatMap((server) => [live(server, keep), hls(server, keep)]))
      const victim = await start(2)
      const [again, gone] = [newUser(), newUser()]
      for (const user of [again, gone]) keep(await watch(victim, user, { device: 'there' }))
      for (const user of [again, gone]) await until(async () => await inStore(user) === 1, 'it has its place')
      await victim.kill()
      // Its viewers come back at once, as players do.
      const back = keep(await watch(a, again, { device: 'there' }))
      expect(back.status).to.equal(200)
      await until(() => isFree(gone), 'its place is free')
      await until(async () => await inStore(again) === 1, 'its ghost has no place')
      await expectFine(steady, 'afterwards')
      expect(back.over).to.equal(false)
      await start(2)
      for (const server of [a, b]) await server.waitFor(({ auth }) => auth!.stats().store!.servers === 4)
      for (const server of [a, b]) expect(count(server, AWAY) - count(server, BACK)).to.equal(0)
    })
  })
})
