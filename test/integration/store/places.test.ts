import { expect } from 'chai'
import { cleanup } from '../../support/cleanup.js'
import { startRedis, type RedisServer } from '../../support/redis.js'
import { claimOf, devices, joinAll, openStore, type TestPlace, type TestStore } from '../../support/stores.js'
import { createTcpProxy } from '../../support/tcp-proxy.js'
import { sleep, until } from '../../support/waiting.js'

const keep = cleanup()
/** A busy machine must not make a command late. */
const PATIENT = { timeoutMs: 2000 }
const [phone, box, tv] = devices(3) as [{ device: { ip: string, userAgent: string } }, { device: { ip: string, userAgent: string } }, { device: { ip: string, userAgent: string } }]

describe('places that several servers share', () => {
  let redis: RedisServer
  let a: TestStore
  let b: TestStore
  let user: string
  let users = 0
  before(async () => {
    redis = keep(await startRedis())
    a = keep(await openStore(redis.url, PATIENT))
    b = keep(await openStore(redis.url, PATIENT))
  })
  beforeEach(() => { user = `user ${++users}` })
  after(() => keep.run())

  /** Places of this test's user that are in the store. */
  const inStore = async (): Promise<number> => {
    const digest = (await import('../../../lib/store/names.js')).userId(user)
    return Object.keys(await redis.direct.hgetall(`{test}:user:${digest}`)).filter((field) => field.startsWith('p')).length
  }

  it('are enough as long as there are no more sessions than places', async () => {
    const first = a.join({ user, ...phone })
    const second = b.join({ user, ...box })
    expect([await first.taken, await second.taken]).to.deep.equal([false, false])
    expect([await first.settle(), await second.settle()]).to.deep.equal([true, true])
    expect([first.ended, second.ended]).to.deep.equal([undefined, undefined])
    expect(await inStore()).to.equal(2)
  })

  it('go from the oldest to the newest, on whatever server it is', async () => {
    const [oldest] = await joinAll(a, [{ user, ...phone }])
    await joinAll(b, [{ user, ...box }])
    const newest = b.join({ user, ...tv, sessionId: `newest of ${user}` })
    expect(await newest.taken).to.equal(true)
    await newest.settle()
    await until(() => oldest!.ended !== undefined, 'the oldest is told to end')
    expect(oldest!.ended).to.deep.equal({ rule: 'endOldest', others: 2, by: { ...tv.device, session: `newest of ${user}` } })
    expect(await inStore()).to.equal(2)
  })

  it('are not taken from anybody if somebody has left by then', async () => {
    const [oldest, second] = await joinAll(a, [{ user, ...phone }, { user, ...box }])
    const newest = b.join({ user, ...tv, sessionId: `newest of ${user}` })
    expect(await newest.taken).to.equal(true)
    second!.release()
    await until(async () => await inStore() === 2, 'the place is given back')
    await newest.settle()
    expect([oldest!.ended, newest.ended]).to.deep.equal([undefined, undefined])
  })

  const cases: readonly { readonly title: string, readonly running: readonly object[], readonly newcomer: object, readonly loses: number, readonly rule: string }[] = [
    { title: 'the same device on the same stream first, though it is not the oldest', running: [{ ...box }, { ...phone }], newcomer: { ...phone }, loses: 1, rule: 'reconnect' },
    { title: 'the same device on another stream before the oldest', running: [{ ...box }, { ...phone }], newcomer: { ...phone, streamPath: '/live/other' }, loses: 1, rule: 'zap' }
  ]
  for (const { title, running, newcomer, loses, rule } of cases) {
    it(`are taken from ${title}`, async () => {
      const places = await joinAll(a, running.map((each) => ({ user, ...each })))
      const place = b.join({ user, ...newcomer })
      await place.taken
      await place.settle()
      await until(() => places[loses]!.ended !== undefined, 'it is told to end')
      expect(places.map(({ ended }) => ended?.rule)).to.deep.equal(places.map((_, index) => index === loses ? rule : undefined))
    })
  }

  it('are taken from who is gone before a device that zaps', async () => {
    const quiet = a.join({ user, ...box }, { goneAfterMs: 50, quietMs: () => 10_000 })
    await quiet.taken
    const [zapping] = await joinAll(a, [{ user, ...phone }])
    await sleep(60)
    const place = b.join({ user, ...phone, streamPath: '/live/other' })
    await place.taken
    await place.settle()
    await until(() => quiet.ended !== undefined, 'it is told to end')
    expect([quiet.ended?.rule, zapping!.ended]).to.deep.equal(['gone', undefined])
  })

  it('are one for HLS sessions of one device and stream on several servers, which goes when all have left', async () => {
    const hls = claimOf({ user, ...phone, isFile: true })
    const join = async (store: TestStore) => {
      const lease = store.lease(hls, { quietMs: () => 0, goneAfterMs: 10_000, end: () => undefined })
      await lease.take()
      return lease
    }
    const [onA, onB] = [await join(a), await join(b)]
    expect(await inStore()).to.equal(1)
    onA.release()
    await sleep(50)
    expect(await inStore()).to.equal(1)
    onB.release()
    await until(async () => await inStore() === 0, 'the place is free')
  })

  it('leave N and not fewer when twelve come at once over two servers', async () => {
    const places = [...devices(12)].map((device, index) => (index % 2 === 0 ? a : b).join({ user, ...device }))
    await Promise.all(places.map(({ taken }) => taken))
    await Promise.all(places.map((place) => place.settle()))
    await until(() => places.filter(({ ended }) => ended === undefined).length === 2, 'two are left')
    await sleep(100)
    expect(places.filter(({ ended }) => ended === undefined)).to.have.length(2)
    expect(await inStore()).to.equal(2)
  })

  for (const whenFull of ['endOldest', 'denyNew'] as const) {
    it(`are one for a device that zaps faster than half a second over the servers, which is never kept out (${whenFull})`, async () => {
      const on = (n: number): TestStore => n % 2 === 0 ? a : b
      const zaps: TestPlace[] = []
      for (let n = 0; n < 5; n++) {
        zaps.push(on(n).join({ user, ...phone, limit: 1, whenFull, streamPath: `/live/${n}` }))
        await zaps[n]!.taken
      }
      await zaps[1]!.settle()
      await until(() => zaps.filter(({ ended }) => ended !== undefined).length === 4, 'all but the last are ended')
      expect(zaps.map(({ ended }) => ended?.rule)).to.deep.equal(['zap', 'zap', 'zap', 'zap', undefined])
      for (const { ended } of zaps.slice(0, 4)) expect(ended!.by).to.include(phone.device)
      expect([await inStore(), a.barred(user, phone.device), b.barred(user, phone.device)]).to.deep.equal([1, false, false])
      for (const zap of zaps) expect(await zap.settle()).to.equal(true)
      expect(zaps[4]!.ended).to.equal(undefined)
    })
  }

  describe('under denyNew', () => {
    it('refuse a newcomer on another server while all are taken', async () => {
      await joinAll(a, [{ user, ...phone }, { user, ...box }])
      const lease = b.lease(claimOf({ user, ...tv, whenFull: 'denyNew' }), { quietMs: () => 0, goneAfterMs: Infinity, end: () => undefined })
      expect(await lease.enter()).to.equal('denyNew')
      lease.release()
      expect(await inStore()).to.equal(2)
    })
    it('are not taken by a newcomer that is refused while a heartbeat is under way', async () => {
      await joinAll(a, [{ user, ...phone }, { user, ...box }])
      const line = keep(await createTcpProxy(redis.port))
      const far = keep(await openStore(`redis://127.0.0.1:${line.port}`, { heartbeatMs: 150, timeoutMs: 2000 }))
      line.delay(40)
      // One of them is asked about between a heartbeat and its renewals.
      const asked: Promise<unknown>[] = []
      for (let n = 0; n < 60; n++) {
        const lease = far.lease(claimOf({ user, ...tv, whenFull: 'denyNew' }), { quietMs: () => 0, goneAfterMs: Infinity, end: () => undefined })
        asked.push(lease.enter().finally(() => lease.release()))
        await sleep(10)
      }
      expect(new Set(await Promise.all(asked))).to.deep.equal(new Set(['denyNew']))
      await sleep(200)
      expect(await inStore()).to.equal(2)
    })
    it('let a reconnect in, and end its old connection once it has begun', async () => {
      const [old] = await joinAll(a, [{ user, ...phone }, { user, ...box }])
      const lease = b.lease(claimOf({ user, ...phone, whenFull: 'denyNew' }), { quietMs: () => 0, goneAfterMs: Infinity, end: () => undefined })
      expect(await lease.enter()).to.equal('in')
      expect(old!.ended).to.equal(undefined)
      expect(await lease.take()).to.equal(true)
      await lease.settle()
      await until(() => old!.ended !== undefined, 'the old connection is ended')
      expect(old!.ended?.rule).to.equal('reconnect')
    })
    it('are held by no more than the limit once the surplus of an outage is judged for one of them, the others being gone', async () => {
      const line = keep(await createTcpProxy(redis.port))
      const away = keep(await openStore(`redis://127.0.0.1:${line.port}`, PATIENT))
      const first = await joinAll(away, [phone, box].map((device) => ({ user, ...device, whenFull: 'denyNew' as const })))
      line.cut()
      await redis.direct.flushall()
      const second = await joinAll(b, devices(4).slice(2).map((device) => ({ user, ...device, whenFull: 'denyNew' as const })))
      line.mend()
      // Their ages arrive late, and they are still the older ones.
      line.delay(60)
      // A busy machine may give up one try; the next heartbeat says again that there are too many.
      await until(async () => await away.over.splice(0)[0]?.settle() === true, 'there are too many, and one of them is judged')
      await until(() => second.every(({ ended }) => ended !== undefined), 'the newest are told to end')
      expect([first.map(({ ended }) => ended), second.map(({ ended }) => ended?.rule)]).to.deep.equal([[undefined, undefined], ['denyNew', 'denyNew']])
      expect(await inStore()).to.equal(2)
    })
    it('count those who have not begun yet', async () => {
      const enter = (device: object) => b.lease(claimOf({ user, ...device, whenFull: 'denyNew' }), { quietMs: () => 0, goneAfterMs: Infinity, end: () => undefined }).enter()
      expect(await Promise.all([enter(phone), enter(box), enter(tv)])).to.deep.equal(['in', 'in', 'denyNew'])
    })
  })

  describe('after the policy has ended a device', () => {
    beforeEach(async () => {
      const [oldest] = await joinAll(a, [{ user, ...phone, limit: 1 }])
      const newest = b.join({ user, ...box, limit: 1 })
      await newest.taken
      await newest.settle()
      await until(() => oldest!.ended !== undefined, 'the device is ended')
    })

    it('are refused to it on every server while there is none, and given again when there is one', async () => {
      const enter = async (store: TestStore) => {
        const lease = store.lease(claimOf({ user, ...phone, limit: 1 }), { quietMs: () => 0, goneAfterMs: Infinity, end: () => undefined })
        return await lease.enter()
      }
      expect([await enter(a), await enter(b)]).to.deep.equal(['bar', 'bar'])
      b.ended.length = 0
      await redis.direct.hdel(`{test}:user:${(await import('../../../lib/store/names.js')).userId(user)}`, ...Object.keys(await redis.direct.hgetall(`{test}:user:${(await import('../../../lib/store/names.js')).userId(user)}`)).filter((field) => field.startsWith('p')))
      expect(await enter(a)).to.equal('in')
    })

    it('do not end the other one when it begins without having asked', async () => {
      const again = a.join({ user, ...phone, limit: 1 })
      await again.taken
      await again.settle()
      expect(again.ended?.rule).to.equal('bar')
      expect(b.ended.filter(({ claim }) => claim.user === user)).to.deep.equal([])
    })

    it('are refused to its request before the backend is asked, once the server that had it says which', async () => {
      a.bar('request', user, phone.device, 2000)
      await until(() => b.barred(user, phone.device), 'the bar is told to all')
      expect((await b.recall('request', []))?.barred).to.equal(true)
      expect((await b.recall('another request', []))?.barred).to.equal(false)
    })
  })

  it('end the see-saw of two devices that look alike', async () => {
    const ends: string[] = []
    let running = a.join({ user, ...phone, limit: 1, streamPath: '/live/0' })
    await running.taken
    for (let turn = 1; turn <= 10; turn++) {
      const next = (turn % 2 === 0 ? a : b).join({ user, ...phone, limit: 1, streamPath: `/live/${turn % 2}` })
      await next.taken
      await next.settle()
      if (next.ended === undefined) {
        await until(() => running.ended !== undefined, 'the other is ended')
        ends.push(running.ended!.rule)
        running = next
      } else ends.push(`refused: ${next.ended.rule}`)
    }
    expect(ends.slice(0, 6)).to.deep.equal(Array(6).fill('zap'))
    expect(ends.at(-1)).to.equal('refused: bar')
  })

  it('reach a server that missed the message with its next heartbeat', async () => {
    const [oldest] = await joinAll(a, [{ user, ...phone, limit: 1 }])
    const clients = await redis.direct.call('CLIENT', 'LIST', 'TYPE', 'pubsub') as string
    for (const [, id] of clients.matchAll(/^id=(\d+)/gm)) await redis.direct.client('KILL', 'ID', Number(id))
    const newest = b.join({ user, ...box, limit: 1, sessionId: `newest of ${user}` })
    await newest.taken
    await newest.settle()
    await until(() => oldest!.ended !== undefined, 'the mark is seen')
    expect(oldest!.ended).to.deep.equal({ rule: 'endOldest', others: 1, by: { ...box.device, session: `newest of ${user}` } })
  })

  it('can still be lost to a newcomer after the store has lost them and a heartbeat has restored them', async () => {
    const line = keep(await createTcpProxy(redis.port))
    const slow = keep(await openStore(`redis://127.0.0.1:${line.port}`, PATIENT))
    // The store's begin is later than the server's here, and earlier once the heartbeat has told the store the age.
    line.delay(150)
    const [oldest] = await joinAll(slow, [{ user, ...phone, limit: 1 }])
    line.delay(0)
    await redis.direct.flushall()
    await until(async () => await inStore() === 1, 'the place is restored')
    const newest = b.join({ user, ...box, limit: 1 })
    await newest.taken
    await newest.settle()
    await until(() => oldest!.ended !== undefined, 'the oldest is told to end')
    expect([oldest!.ended?.rule, newest.ended]).to.deep.equal(['endOldest', undefined])
  })

  it('are free when the leases of a server end that was killed, and their keys are gone soon after', async () => {
    const c = await openStore(redis.url, { heartbeatMs: 100 })
    await joinAll(c, [{ user, ...phone }, { user, ...box }])
    await c.close()
    await sleep(350)
    const lease = a.lease(claimOf({ user, ...tv, whenFull: 'denyNew' }), { quietMs: () => 0, goneAfterMs: Infinity, end: () => undefined })
    expect(await lease.enter()).to.equal('in')
    expect(await inStore()).to.equal(1)
    for (const key of await redis.direct.keys('*')) expect(await redis.direct.pttl(key), key).to.be.greaterThan(0)
  })

  it('are ended for a whole user by an order that reaches all others', async () => {
    a.endUser(user, { message: 'moved' })
    await until(() => b.usersEnded.some(({ isUser }) => isUser(user)), 'the order is heard')
    expect(b.usersEnded.find(({ isUser }) => isUser(user))?.order).to.deep.equal({ message: 'moved' })
    expect(b.usersEnded.some(({ isUser }) => isUser('somebody else'))).to.equal(false)
    await sleep(700)
    expect(b.usersEnded.filter(({ isUser }) => isUser(user)), 'once').to.have.length(1)
    expect(a.usersEnded.filter(({ isUser }) => isUser(user)), 'not by the server that gave it').to.deep.equal([])
  })
})
