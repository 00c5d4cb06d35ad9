import { expect } from 'chai'
import { cleanup } from '../../support/cleanup.js'
import { startRedis, type Monitor, type RedisServer } from '../../support/redis.js'
import { openStore, type TestStore } from '../../support/stores.js'
import { until } from '../../support/waiting.js'

const SESSIONS = 10_000

describe('what a fleet costs the store', () => {
  const keep = cleanup()
  let redis: RedisServer
  let store: TestStore
  before(async () => {
    redis = keep(await startRedis())
    store = keep(await openStore(redis.url, { heartbeatMs: 10_000, timeoutMs: 5000 }))
  })
  after(() => keep.run())

  /** Commands that clients send while something is done; the first use of a script takes one more. */
  const counted = async (action: () => Promise<unknown>): Promise<string[][]> => {
    const monitor: Monitor = await redis.monitor()
    try {
      await action()
      await redis.direct.echo('done')
      await until(() => monitor.commands.some(([name]) => name?.toLowerCase() === 'echo'), 'all is told')
      return monitor.commands.filter(([name]) => /^evalsha$/i.test(name ?? ''))
    } finally {
      monitor.close()
    }
  }

  it('is one command to look a newcomer up, with all that could be known of it', async () => {
    await store.recall('warm', [])
    expect(await counted(() => store.recall('request', Array.from({ length: 66 }, (_, n) => `key ${n}`)))).to.have.length(1)
  })

  it('is one command for a place, and one to give it back', async () => {
    const warm = store.join({})
    await warm.taken
    warm.release()
    const commands = await counted(async () => {
      const place = store.join({ user: 'anna' })
      await place.taken
      place.release()
      await until(async () => (await redis.direct.keys('{test}:user:*')).length === 0, 'it is given back')
    })
    expect(commands).to.have.length(2)
  })

  it(`is at most 24 commands a heartbeat for ${SESSIONS} sessions on one server`, async function () {
    this.timeout(60_000)
    const own = await openStore(redis.url, { prefix: 'many', heartbeatMs: 3000, timeoutMs: 10_000 })
    try {
      await Promise.all(Array.from({ length: SESSIONS }, (_, n) => own.join({ user: `user ${n % 5000}` }).taken))
      const isHello = ([, , , key = '']: string[]): boolean => key.endsWith(':nodes')
      const monitor = await redis.monitor()
      try {
        const heartbeats = (): number[] => monitor.commands.flatMap((words, at) => isHello(words) && words.join().includes('{many}') ? [at] : [])
        await until(() => heartbeats().length === 2, 'two heartbeats', 30_000)
        const [from = 0, to = 0] = heartbeats()
        const between = monitor.commands.slice(from, to).filter((words) => words.join().includes('{many}'))
        expect(between.length).to.be.within(SESSIONS / 500, 24)
        for (const words of between.slice(1)) expect(words.filter((word) => word.startsWith('{many}:user:')).length).to.be.at.most(500)
      } finally {
        monitor.close()
      }
      expect(own.stats()).to.include({ up: true, places: SESSIONS, errors: 0 })
    } finally {
      await own.close()
    }
  })
})
