import { expect } from 'chai'
import type { Options } from '../../../lib/options/options.js'
import { byToken } from '../../support/backend.js'
import { cleanup } from '../../support/cleanup.js'
import { openClient } from '../../support/clients.js'
import { runCommand, type Command } from '../../support/command.js'
import { createFaultyProxy, type FaultyProxy } from '../../support/faulty-proxy.js'
import type { Decided } from '../../support/server.js'
import { atMost, until } from '../../support/waiting.js'
import { openArena, type Arena } from './arena.js'
import { attack, isFile, type Way } from './attack.js'
import { FOUR_WAYS, join } from './join.js'

const GOOD = 'token=123'
const BAD = 'token=1'
/** Why a client got the default action that was not asked for. */
const NOT_ASKED = 'not asked again yet'

const wayOf = (index: number): Way => FOUR_WAYS[index % FOUR_WAYS.length]!

describe('outages over node-media-server', function () {
  this.timeout(120_000)
  const keep = cleanup()
  let arena: Arena
  let proxy: FaultyProxy
  let next = 10_000
  before(async () => {
    arena = keep(await openArena({
      options: { log: 'outages', hlsIdleMs: 300, files: { vodIdleMs: 300 } },
      url: async (backend) => { proxy = keep(await createFaultyProxy(backend.port)); return proxy.url }
    }))
  })
  after(() => keep.run())

  /** The log, the events and the verdicts from here on, with the plugin attached anew. */
  const attach = async (options: Partial<Options>): Promise<{ lines: (text: string) => number, outages: () => Promise<object[]>, verdicts: () => Promise<Decided[]> }> => {
    await proxy.set({ is: 'pass' })
    arena.backend.reset()
    await arena.attach(options)
    const { server } = arena
    const [log, outages, verdicts] = [server.log().length, (await server.outages()).length, (await server.verdicts()).length]
    return {
      lines: (text) => server.log().slice(log).split('\n').filter((line) => line.includes(text)).length,
      outages: async () => (await server.outages()).slice(outages),
      verdicts: async () => (await server.verdicts()).slice(verdicts)
    }
  }
  /** Viewers of every way; without a number from which to count none of them has been there before. */
  const joins = (count: number, query = GOOD, from = next): Promise<('in' | 'out')[]> => {
    next = Math.max(next, from + count)
    return atMost(40, Array.from({ length: count }, (_, index) => () => join(arena.ports, wayOf(index), { query: `${query}&n=${from + index}` })))
  }

  for (const defaultAction of ['deny', 'allow'] as const) {
    it(`once it has failed so often in a row, the backend is tried by one client at a time, and the others are told at once: ${defaultAction}`, async () => {
      const seen = await attach({ defaultAction, timeoutMs: 1500, breaker: { failures: 4, probeMs: 200 } })
      const told = defaultAction === 'allow' ? 'in' : 'out'
      await proxy.set({ is: 'black-hole' })
      expect(await joins(4)).to.deep.equal([told, told, told, told])
      await until(() => seen.lines('breaker opens') === 1, 'it opens')
      await until(() => proxy.open() === 0, 'all connections are given up')

      const before = proxy.requests()
      const already = (await seen.verdicts()).length
      let most = 0
      const watching = setInterval(() => { most = Math.max(most, proxy.open()) }, 5)
      const answers = await joins(80)
      clearInterval(watching)
      expect(new Set(answers)).to.deep.equal(new Set([told]))
      expect(most, 'tried at once: one client, and the probe').to.be.at.most(2)
      const reasons = (await seen.verdicts()).slice(already).map(({ verdict }) => verdict.reason)
      const waited = reasons.filter((reason) => !reason.includes(NOT_ASKED)).length
      expect(reasons).to.have.length(80)
      expect(waited, 'who waited for an answer').to.equal(proxy.requests() - before)
      expect(waited).to.be.below(20)

      await proxy.set({ is: 'pass' })
      await until(async () => {
        await join(arena.ports, 'http-flv', { query: BAD })
        return (await seen.verdicts()).at(-1)?.verdict.source === 'backend'
      }, 'it is asked again')
      expect([...await joins(8), ...await joins(8, BAD)]).to.deep.equal([...Array<string>(8).fill('in'), ...Array<string>(8).fill('out')])
      await until(() => seen.lines('backend answers again') === 1, 'the end is logged')
      const met = (await seen.verdicts()).filter(({ verdict }) => verdict.source === 'default').length
      expect(seen.lines(`backend answers again, ${met} requests met the outage`)).to.equal(1)
      for (const text of ['[http-auth] backend unavailable', 'breaker opens', 'breaker closes']) expect(seen.lines(text), text).to.equal(1)
      expect(await seen.outages()).to.containSubset([{ state: 'begin', requests: 1 }, { state: 'end', requests: met }]).and.to.have.length(2)
    })
  }

  it('what a client can cause is no outage and does not open the breaker', async () => {
    const seen = await attach({ defaultAction: 'allow', breaker: { failures: 2, probeMs: 60_000 }, timeoutMs: 20_000 })
    // Denied.
    await joins(8, BAD)
    // Too large for the backend, which drops it without an answer.
    const large = `${BAD}&x=${'x'.repeat(3000)}`
    arena.backend.answer((asked) => asked.url.length > 2000 ? { destroy: true } : byToken(asked))
    for (const way of FOUR_WAYS) expect((await attack(arena.ports, way, { action: 'play', query: large })).mediaBytes, way).to.equal(0)
    // Too large to be asked about, and a path that is none.
    for (const way of FOUR_WAYS) await attack(arena.ports, way, { action: 'play', query: 'x'.repeat(20_000) }).catch(() => undefined)
    for (const way of FOUR_WAYS) await attack(arena.ports, way, { action: 'play', name: 'a%2fb\\..', query: BAD })
    // Gone before the answer.
    arena.backend.answer({ hold: true })
    const asked = arena.backend.requests.length
    const leaving = await Promise.all(FOUR_WAYS.filter((way) => !isFile(way)).flatMap((speech) => [0, 1, 2].map((n) =>
      openClient({ ports: arena.ports, speech: speech, action: 'play', streamPath: '/live/target', query: `leaving=${n}` }))))
    await until(() => arena.backend.requests.length === asked + leaving.length, 'all are asked for')
    await Promise.all(leaving.map((client) => client.close()))
    arena.backend.reset()
    arena.backend.release()

    for (const way of FOUR_WAYS) expect(await join(arena.ports, way, { query: GOOD }), way).to.equal('in')
    for (const { verdict } of await seen.verdicts()) expect(verdict.source, verdict.reason).not.to.equal('default')
    expect(await seen.outages()).to.deep.equal([])
    expect(seen.lines('breaker')).to.equal(0)
  })

  for (const lastVerdictMs of [0, 60_000]) {
    const lets = lastVerdictMs > 0
    it(`lastVerdictMs ${lastVerdictMs}: whom the backend has allowed before ${lets ? 'gets in again' : 'gets the default action'} during an outage`, async () => {
      const seen = await attach({ defaultAction: 'deny', lastVerdictMs, breaker: false })
      expect([...await joins(4, GOOD, 0), ...await joins(4, BAD, 0)]).to.deep.equal(['in', 'in', 'in', 'in', 'out', 'out', 'out', 'out'])
      await proxy.set({ is: 'reset', at: 'request' })
      // HLS sessions of before have ended, or they would not ask.
      await arena.server.waitFor(({ auth }) => auth?.stats().viewers === 0)
      expect(await joins(4, GOOD, 0), 'who was allowed').to.deep.equal(Array(4).fill(lets ? 'in' : 'out'))
      expect(await joins(4, BAD, 0), 'who was denied').to.deep.equal(Array(4).fill('out'))
      expect(await joins(4), 'who was not asked for').to.deep.equal(Array(4).fill('out'))
      const sources = (await seen.verdicts()).slice(8).map(({ verdict }) => verdict.source)
      expect(sources).to.deep.equal([...Array<string>(4).fill(lets ? 'last-verdict' : 'default'), ...Array<string>(8).fill('default')])
    })
  }

  it('two thousand clients that meet an outage make one line when it begins and one when it ends', async () => {
    const seen = await attach({ log: 'denials' })
    await proxy.set({ is: 'reset', at: 'accept' })
    const clients = 2000
    const told = await atMost(50, Array.from({ length: clients }, (_, index) => () => join(arena.ports, index % 20 === 0 ? 'rtmp' : 'http-flv', { query: `${GOOD}&n=${index}` })))
    expect(new Set(told)).to.deep.equal(new Set(['out']))
    await proxy.set({ is: 'pass' })
    await until(async () => await join(arena.ports, 'http-flv', { query: GOOD }) === 'in', 'it is asked again')
    await until(() => seen.lines('backend answers again') === 1, 'the end is logged')
    const met = (await seen.verdicts()).filter(({ verdict }) => verdict.source === 'default').length
    expect(met).to.be.at.least(clients)
    expect(seen.lines('[http-auth] backend unavailable')).to.equal(1)
    expect(seen.lines(`${met} requests met the outage`)).to.equal(1)
    expect(seen.lines('[http-auth]'), 'all lines').to.be.below(200)
    expect(await seen.outages()).to.have.length(2)
  })

  describe('a backend that is killed and started again', () => {
    const commands = cleanup()
    after(() => commands.run())
    const start = async (port = 0): Promise<{ command: Command, port: number }> => {
      const command = runCommand(['backend', '--port', String(port)])
      commands({ close: () => command.kill() })
      const [, listens = ''] = await command.prints(/listens on http:\/\/127\.0\.0\.1:(\d+)/)
      return { command, port: Number(listens) }
    }

    it('in the middle of 1,000 joins: each has one verdict, and it is the backend\'s or the default action', async () => {
      const first = await start()
      const seen = await attach({ url: `http://127.0.0.1:${first.port}`, defaultAction: 'allow', timeoutMs: 20_000 })
      let begun = 0
      const joining = atMost(40, Array.from({ length: 1000 }, (_, index) => async () => {
        begun += 1
        const query = `${index % 2 === 0 ? GOOD : BAD}&n=${index}`
        return { query, told: await join(arena.ports, wayOf(index >> 1), { query }) }
      }))
      await until(() => begun > 300, 'it has begun', 60_000)
      await first.command.kill()
      const again = start(first.port)
      const told = await joining
      await again
      await until(async () => await join(arena.ports, 'rtmp', { query: BAD }) === 'out', 'it is asked again', 30_000)
      expect([...await joins(8), ...await joins(8, BAD)]).to.deep.equal([...Array<string>(8).fill('in'), ...Array<string>(8).fill('out')])

      const verdicts = await seen.verdicts()
      for (const { query, told: how } of told) {
        const own = verdicts.filter(({ request }) => request.query === query)
        const what = JSON.stringify({ query, how, own })
        expect(own, what).to.have.length(1)
        const { source, allowed } = own[0]!.verdict
        expect(source, what).to.be.oneOf(['backend', 'default'])
        expect(allowed, what).to.equal(source === 'default' || query.startsWith(`${GOOD}&`))
        expect(how, what).to.equal(allowed ? 'in' : 'out')
      }
      await until(() => seen.lines('backend answers again') === 1, 'the end is logged')
      const met = verdicts.filter(({ verdict }) => verdict.source === 'default').length
      expect(met).to.be.above(0)
      expect(await seen.outages()).to.containSubset([{ state: 'begin' }, { state: 'end', requests: met }]).and.to.have.length(2)
    })
  })

  for (const is of ['close-idle', 'die-on-reuse'] as const) {
    it(`kept connections that end under load (${is}) cost a retry at most, and nobody notices`, async () => {
      const seen = await attach({ defaultAction: 'deny', maxConnections: 8 })
      await proxy.set({ is })
      const before = proxy.requests()
      expect(new Set(await joins(200))).to.deep.equal(new Set(['in']))
      const asked = (await seen.verdicts()).length
      expect(proxy.requests() - before).to.be.within(asked, 2 * asked)
      expect(await seen.outages()).to.deep.equal([])
    })
  }
})
