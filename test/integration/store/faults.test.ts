import { expect } from 'chai'
import { userId } from '../../../lib/store/names.js'
import { cleanup, type Cleanup } from '../../support/cleanup.js'
import { startRedis } from '../../support/redis.js'
import { STORE_FAULTS, type StoreScene } from '../../support/store-faults.js'
import { openStore, type TestPlace, type TestStore } from '../../support/stores.js'
import { createTcpProxy } from '../../support/tcp-proxy.js'
import { sleep, until } from '../../support/waiting.js'

const HEARTBEAT_MS = 300
const TIMEOUT_MS = 150
const LIMIT = 3
const USERS = 5

/** Whether a promise is settled when its time is over and the event loop has turned once more. */
const isInTime = (promise: Promise<unknown>): Promise<boolean> => new Promise((resolve, reject) => {
  let settled = false
  promise.then(() => { settled = true }, reject)
  setTimeout(() => setImmediate(() => setImmediate(() => resolve(settled))), TIMEOUT_MS + 5)
})

describe('a store that is away', () => {
  for (const { title, begin, end } of STORE_FAULTS) {
    describe(`because it is ${title}`, () => {
      let keep: Cleanup
      let scene: StoreScene
      let servers: TestStore[]
      const running = new Map<string, TestPlace[]>()
      let waits: Promise<boolean>[]
      let joins: number

      /** A join on each server, as a server does it that counts by itself where the store does not: the oldest goes. */
      const join = (): void => {
        for (const server of servers) {
          const user = `user ${joins % USERS}`
          const place = server.join({ user, limit: LIMIT, device: { ip: `192.0.2.${joins % 200}`, userAgent: String(joins) }, barMs: 100 })
          joins += 1
          running.set(user, [...running.get(user) ?? [], place])
          waits.push(isInTime(place.taken), isInTime(server.recall(`request ${joins}`, [`request ${joins}`])))
          void place.taken.then(async (over) => {
            if (over === true && await place.settle() === true) return
            const own = (running.get(user) ?? []).filter((each) => each.ended === undefined && server === each.on)
            if (over === undefined) for (const old of own.slice(0, Math.max(0, own.length - LIMIT))) leave(old)
          })
        }
      }
      const leave = (place: TestPlace): void => {
        place.release()
        place.ended ??= { rule: 'endOldest', others: LIMIT, by: place.claim.device }
      }
      const alive = (user: string): TestPlace[] => (running.get(user) ?? []).filter(({ ended }) => ended === undefined)
      const inStore = async (user: string): Promise<string[]> =>
        Object.keys(await scene.redis.direct.hgetall(`{test}:user:${userId(user)}`)).flatMap((field) => field.startsWith('p') ? field.slice(1) : [])
      const joinFor = async (ms: number): Promise<void> => {
        for (const until = Date.now() + ms; Date.now() < until;) {
          join()
          await sleep(20)
        }
      }

      before(async () => {
        keep = cleanup()
        running.clear()
        waits = []
        joins = 0
        const redis = keep(await startRedis())
        const proxy = keep(await createTcpProxy(redis.port))
        scene = { redis, proxies: [proxy], heartbeatMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS }
        const options = { heartbeatMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS }
        servers = [keep(await openStore(`redis://127.0.0.1:${proxy.port}`, options)), keep(await openStore(`redis://127.0.0.1:${proxy.port}`, options))]
      })
      after(() => keep.run())

      it('keeps nobody waiting, is said to be away once, and back once, and then counts what runs and nothing else', async () => {
        const [a, b] = servers as [TestStore, TestStore]
        await joinFor(300)
        const given = begin(scene)
        await joinFor(6 * HEARTBEAT_MS)
        expect([a.up, b.up]).to.deep.equal([false, false])
        expect(await Promise.all(waits)).to.deep.equal(waits.map(() => true))
        // Places that are taken and given back while nobody is there to be told.
        const ghosts = [...Array(20).keys()].map((index) => a.join({ user: 'ghost', device: { ip: '192.0.2.1', userAgent: String(index) } }))
        for (const ghost of ghosts) ghost.release()
        await end(scene)
        await given
        await until(() => a.up && b.up, 'both are back')
        // Whoever is found to be over is settled, as the registry does half a second later.
        await until(async () => {
          for (const server of servers) for (const lease of server.over.splice(0)) await lease.settle()
          for (let user = 0; user < USERS; user++) {
            const [here, there] = [alive(`user ${user}`).map(({ id }) => id).sort(), (await inStore(`user ${user}`)).sort()]
            if (here.length !== LIMIT || JSON.stringify(here) !== JSON.stringify(there)) return false
          }
          return true
        }, () => `each user has ${LIMIT}: ${JSON.stringify([...running.keys()].map((user) => alive(user).length))}`)
        expect(await inStore('ghost')).to.deep.equal([])
        for (const server of servers) {
          expect(server.heard.map((line) => line.replace(/:.*/s, ''))).to.deep.equal(['away', 'back'])
          const { errors, outages } = server.stats()
          expect(outages).to.equal(1)
          expect(errors).to.be.greaterThan(0)
        }
      })
    })
  }

  describe('', () => {
    const keep = cleanup()
    afterEach(() => keep.run())

    it('carries nothing out, once it goes on, that was given up while it was stopped', async () => {
      const redis = keep(await startRedis())
      const server = keep(await openStore(redis.url, { heartbeatMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS }))
      const monitor = keep(await redis.monitor())
      redis.freeze()
      const places = [...Array(2000).keys()].map((index) => server.join({ user: `user ${index}`, limit: 1 }))
      const remembered = server.remember('key', 'facts', 60_000)
      expect(await Promise.all(places.map(({ taken }) => taken))).to.deep.equal(places.map(() => undefined))
      expect(await remembered).to.equal(undefined)
      for (const place of places) place.release()
      await sleep(2 * HEARTBEAT_MS)
      redis.thaw()
      await until(() => server.up, 'it is back')
      await sleep(2 * HEARTBEAT_MS)
      expect(monitor.commands.filter(([name]) => /^evalsha?$/i.test(name ?? '')).length, 'they did reach it').to.be.greaterThan(100)
      const written = monitor.byScripts.filter(([name, key]) => /^(hset|set)$/i.test(name ?? '') && !key?.endsWith(':nodes'))
      expect(written).to.deep.equal([])
    })

    it('is asked nothing but for signs of life, so that nothing piles up for it', async () => {
      const redis = keep(await startRedis())
      const proxy = keep(await createTcpProxy(redis.port))
      const server = keep(await openStore(`redis://127.0.0.1:${proxy.port}`, { heartbeatMs: HEARTBEAT_MS, timeoutMs: TIMEOUT_MS }))
      const monitor = keep(await redis.monitor())
      proxy.delay(TIMEOUT_MS * 2)
      await server.recall('request', [])
      const before = monitor.commands.length
      for (let n = 0; n < 500; n++) await server.recall(`request ${n}`, [])
      await server.join({}).taken
      await sleep(2 * HEARTBEAT_MS)
      expect(monitor.commands.slice(before).length).to.be.lessThan(8)
    })

    it('that is not there at the start is no mistake, and is used once it comes', async () => {
      const redis = keep(await startRedis())
      await redis.kill()
      const server = keep(await openStore(redis.url, { isUp: false, heartbeatMs: HEARTBEAT_MS }))
      const place = server.join({})
      expect([await place.taken, await server.recall('request', []), server.stats().up]).to.deep.equal([undefined, undefined, false])
      await until(() => server.heard.length === 1, 'it is said')
      expect(server.heard[0]).to.match(/^away: /)
      await redis.start()
      await until(() => server.up, 'it is up')
      await until(async () => (await redis.direct.keys('{test}:user:*')).length === 1, 'the place is registered')
      expect(server.heard.slice(1)).to.deep.equal(['back'])
    })
  })
})
