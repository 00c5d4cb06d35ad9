import { expect } from 'chai'
import { cleanup } from '../../support/cleanup.js'
import { startRedis, type RedisServer } from '../../support/redis.js'
import { openStore, type TestStore } from '../../support/stores.js'
import { sleep, until } from '../../support/waiting.js'

describe('what several servers remember together', () => {
  const keep = cleanup()
  let redis: RedisServer
  let a: TestStore
  let b: TestStore
  before(async () => {
    redis = keep(await startRedis())
    a = keep(await openStore(redis.url))
    b = keep(await openStore(redis.url))
  })
  beforeEach(() => redis.direct.flushall())
  after(() => keep.run())

  it('is an allow, with what the backend said and the rest of its time', async () => {
    await a.remember('request', '{"userId":"42"}', 10_000)
    const found = await b.recall('request', ['another', 'request'])
    expect(found?.allow?.key).to.equal('request')
    expect(found?.allow?.facts).to.equal('{"userId":"42"}')
    expect(found?.allow?.remainingMs).to.be.within(1, 10_000)
    expect(await b.recall('other', ['other'])).to.deep.equal({ barred: false })
  })

  it('is found by the directories that it covers, as long as it holds itself', async () => {
    await a.remember('request', 'facts', 300)
    await a.cover('request', ['directory 1', 'directory 2'])
    expect((await b.recall('r', ['directory 2']))?.allow).to.include({ key: 'request', facts: 'facts' })
    await sleep(320)
    expect(await b.recall('r', ['directory 2'])).to.deep.equal({ barred: false })
    await until(async () => (await redis.direct.keys('*allow*')).length === 0, 'nothing is left')
  })

  it('is renewed with all that it covers', async () => {
    await a.remember('request', 'facts', 300)
    await a.cover('request', ['directory'])
    await a.remember('request', 'newer facts', 5000)
    await sleep(320)
    expect((await b.recall('r', ['directory']))?.allow).to.include({ key: 'request', facts: 'newer facts' })
  })

  it('covers nothing where nothing is remembered', async () => {
    expect(await a.cover('request', ['directory'])).to.equal(true)
    expect(await b.recall('r', ['directory'])).to.deep.equal({ barred: false })
  })

  it('is forgotten on all servers, with all that it covers, when a session is closed on one', async () => {
    await a.remember('request', 'facts', 10_000)
    await a.cover('request', ['directory'])
    a.forget(['request'], [], { barMs: 5000 })
    await until(() => b.forgotten.length === 1, 'the other hears of it')
    expect(b.forgotten).to.deep.equal([['request']])
    expect(await b.recall('r', ['request', 'directory'])).to.deep.equal({ barred: false })
    await sleep(700)
    expect([a.forgotten, b.forgotten]).to.deep.equal([[], [['request']]])
  })

  it('is forgotten of a closed viewer whatever it was remembered by, and counts again once it is newer', async () => {
    await a.remember('by another directory', 'facts', 10_000)
    await a.remember('by a longer query', 'facts', 10_000)
    await a.cover('by a longer query', ['directory'])
    a.forget(['request'], ['viewer'])
    await until(() => b.forgotten.at(-1)?.includes('viewer') === true, 'the other hears of it')
    for (const keys of [['by another directory'], ['by a longer query'], ['directory']]) {
      expect(await b.recall('r', keys, ['somebody', 'viewer']), keys[0]).to.deep.equal({ barred: false })
      expect((await b.recall('r', keys, ['somebody']))?.allow?.facts, keys[0]).to.equal('facts')
    }
    await a.remember('by a longer query', 'newer facts', 10_000)
    expect((await b.recall('r', ['directory'], ['viewer']))?.allow?.facts).to.equal('newer facts')
  })

  it('keeps the mark of a closed viewer as long as anything older may be remembered, and none where nothing is', async () => {
    a.forget(['request'], ['viewer'])
    await until(async () => (await redis.direct.keys('*orders*')).length === 1, 'the order is given')
    expect(await redis.direct.keys('*closed*')).to.deep.equal([])
    await a.remember('long', 'facts', 60_000)
    await a.remember('short', 'facts', 1000)
    a.forget(['request'], ['viewer'])
    await until(async () => (await redis.direct.keys('*closed*')).length === 1, 'the mark is there')
    const [mark = ''] = await redis.direct.keys('*closed*')
    expect(await redis.direct.pttl(mark)).to.be.within(50_000, 60_000)
  })

  it('can be read by nobody who has the store alone, and no user or query is in it', async () => {
    await a.remember('request?token=secret', '{"userId":"anna-42"}', 10_000)
    await a.cover('request?token=secret', ['/live/s?token=secret'])
    await a.join({ user: 'anna-42', streamPath: '/live/secret' }).taken
    a.bar('request?token=secret', 'anna-42', { ip: '192.0.2.1', userAgent: 'player' }, 5000)
    await until(async () => (await redis.direct.keys('*bar*')).length === 1, 'all is written')
    const keys = await redis.direct.keys('*')
    expect(keys.length).to.be.greaterThan(4)
    for (const key of keys) {
      expect(key).to.match(/^\{test\}:/)
      const type = await redis.direct.type(key)
      const value = JSON.stringify(type === 'hash' ? await redis.direct.hgetall(key) : type === 'zset' ? await redis.direct.zrange(key, '0', '-1') : await redis.direct.get(key))
      expect(`${key} ${value}`).not.to.match(/anna|secret/)
      expect(await redis.direct.pttl(key), key).to.be.greaterThan(0)
    }
  })

  it('is worth nothing if somebody has changed it in the store', async () => {
    await a.remember('request', 'facts', 10_000)
    const [key = ''] = await redis.direct.keys('*allow*')
    await redis.direct.hset(key, 'facts', Buffer.alloc(60).toString('base64'))
    expect(await b.recall('request', ['request'])).to.deep.equal({ barred: false })
  })

  it('is told apart from the memory of servers with another prefix', async () => {
    const other = keep(await openStore(redis.url, { prefix: 'other' }))
    await a.remember('request', 'facts', 10_000)
    expect(await other.recall('request', ['request'])).to.deep.equal({ barred: false })
  })

  it('is warned of once by each server if another one has other limits or another backend', async () => {
    const other = keep(await openStore(redis.url, { fingerprint: { limits: 'b', backend: 'a' } }))
    await until(() => a.heard.includes('differs: limits') && other.heard.includes('differs: limits'), 'both say so')
    await sleep(700)
    expect([a, other].map(({ heard }) => heard.filter((line) => line.startsWith('differs')))).to.deep.equal([['differs: limits'], ['differs: limits']])
    expect(a.stats().servers).to.equal(3)
  })

  it('is warned of again when a reload has made them differ again', async () => {
    const now = { limits: 'a', backend: 'a' }
    const other = keep(await openStore(redis.url, { prefix: 'reloaded', fingerprint: () => now }))
    const same = keep(await openStore(redis.url, { prefix: 'reloaded' }))
    for (const count of [1, 2]) {
      now.backend = 'b'
      await until(() => [same, other].every(({ heard }) => heard.filter((line) => line === 'differs: backend').length === count), 'both say so')
      now.backend = 'a'
      await sleep(1000)
    }
    expect([same, other].map(({ heard }) => heard.filter((line) => line.startsWith('differs')).length)).to.deep.equal([2, 2])
  })

  it('reaches a server by its next heartbeat whose line for messages is cut', async () => {
    await redis.direct.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    a.endUser('anna', {})
    await until(() => b.usersEnded.length === 1, 'it is heard')
    await sleep(700)
    expect(b.usersEnded).to.have.length(1)
  })
})
