import { expect } from 'chai'
import { pbkdf2 } from 'node:crypto'
import type { Verdict } from '../../../lib/access/verdict.js'
import { createChain, type Chain } from '../../../lib/assembly/chain.js'
import type { Options } from '../../../lib/options/options.js'
import { resolve } from '../../../lib/options/resolve.js'
import { certificatePath } from '../../support/certificates.js'
import { cleanup } from '../../support/cleanup.js'
import { startStoppable, type Behaviour, type Stoppable } from '../../support/stoppable-backend.js'
import { sleep } from '../../support/waiting.js'
import { access, forbidden, rawBackend } from '../../unit/backend/raw-backend.js'

/** One question, when it was asked and when it was decided. */
interface Told {
  readonly who: string
  readonly verdict: Verdict
  readonly askedAt: number
  readonly toldAt: number
}

const TIMEOUT_MS = 1500

/**
 * An attacker who knows the plugin's source, the backend and its probe, and wants in without a token while the default
 * action is allow. The chain is the server's own; what stands before it is tested elsewhere.
 */
describe('an attacker who knows how an outage is proven', function () {
  this.timeout(120_000)
  const keep = cleanup()
  afterEach(() => keep.run())

  const backend = async (behaviour: Behaviour = {}): Promise<Stoppable> => keep(await startStoppable(behaviour))
  const chainOf = (options: Partial<Options> & Pick<Options, 'url'>): { ask: (query: string, ip?: string) => Promise<Told>, chain: Chain, useless: string[] } => {
    const useless: string[] = []
    const chain = keep(createChain(resolve({ defaultAction: 'allow', timeoutMs: TIMEOUT_MS, tls: { ca: certificatePath('ca.pem') }, ...options }), {
      onBegin: () => undefined, onEnd: () => undefined, onOpen: () => undefined, onClose: () => undefined, onUnavailable: () => undefined,
      onUselessProbe: (at) => { useless.push(at) }
    }))
    return {
      chain,
      useless,
      async ask(query, ip = '203.0.113.7') {
        const askedAt = performance.now()
        const verdict = await chain.authorize(access({ query, ip, sessionId: `${query}${askedAt}` }), new AbortController().signal)
        return { who: query, verdict, askedAt, toldAt: performance.now() }
      }
    }
  }
  /** Somebody who behaves comes again and again, until the attack is over. */
  const during = async <T>(ask: (query: string) => Promise<Told>, everyMs: number, attack: () => Promise<T>): Promise<{ result: T, others: Told[] }> => {
    const others: Promise<Told>[] = []
    const timer = setInterval(() => { others.push(ask('token=123')) }, everyMs)
    try {
      return { result: await attack(), others: await Promise.all(others) }
    } finally {
      clearInterval(timer)
    }
  }
  const sourcesOf = (told: readonly Told[]): string[] => [...new Set(told.map(({ verdict: { allowed, source } }) => `${allowed ? 'allow' : 'deny'} by ${source}`))].sort()
  const nobodyIn = (told: readonly Told[]): void => { for (const { verdict, who } of told) expect(verdict.allowed, `${who} ${JSON.stringify(verdict)}`).to.equal(false) }

  for (const is of ['hang', 'close', 'continue'] as const) {
    for (const everyMs of [50, 1000]) {
      it(`bytes on which the backend ${is === 'continue' ? 'says 100 Continue' : `${is}s`}, from two addresses, while others come every ${everyMs} ms`, async () => {
        const { url } = await backend({ fault: { on: 'token=%', is } })
        const { ask, chain } = chainOf({ url, lastVerdictMs: 60_000, breaker: { failures: 2, probeMs: 500 } })
        await chain.probe()
        const { result, others } = await during(ask, everyMs, async () => {
          const told: Told[] = []
          for (let round = 0; round < 3; round += 1) {
            told.push(...await Promise.all(['203.0.113.8', '203.0.113.9'].map((ip) => ask(`token=%&n=${round}`, ip))))
          }
          return told
        })
        nobodyIn(result)
        expect(sourcesOf(result)).to.deep.equal(['deny by unanswered'])
        expect(sourcesOf(others), 'the others have noticed nothing').to.deep.equal(['allow by backend'])
      })
    }
  }

  for (const withoutToken of ['hang', 'close'] as const) {
    it(`a backend that ${withoutToken}s without a token, the probe included, and few who come with one`, async () => {
      const { url } = await backend({ withoutToken })
      const { ask, chain, useless } = chainOf({ url, breaker: { failures: 2, probeMs: 500 } })
      expect(await chain.probe()).to.have.length(1)
      expect((await ask('token=123')).verdict.allowed).to.equal(true)
      const { result, others } = await during(ask, 2000, async () => {
        const told: Told[] = []
        for (let round = 0; round < 5; round += 1) told.push(...await Promise.all([ask('x=1'), sleep(700).then(() => ask('x=2'))]))
        return told
      })
      nobodyIn(result)
      expect(sourcesOf(others)).to.deep.equal(['allow by backend'])
      expect(useless, 'the operator is told once').to.have.length(1)
    })
  }

  it('load alone: 5 workers, and more questions a second than they can answer', async () => {
    const { url } = await backend({ workers: 5, workMs: 25 })
    const { ask, chain } = chainOf({ url, timeoutMs: 1000 })
    await chain.probe()
    const told: Promise<Told>[] = []
    // 267 a second.
    for (let count = 0; count < 400; count += 1) {
      told.push(ask(`token=bad&n=${count}`))
      if (count % 4 === 3) await sleep(15)
    }
    nobodyIn(await Promise.all(told))
  })

  it('unavailableStatuses under a flood: a proxy that sheds nine of ten, the probe among them', async () => {
    const { url } = await backend({ shed: 9 })
    const { ask, chain } = chainOf({ url, unavailableStatuses: [503] })
    await chain.probe()
    const { result, others } = await during(ask, 20, async () => {
      const told: Promise<Told>[] = []
      for (let count = 0; count < 300; count += 1) {
        told.push(ask(`token=bad&n=${count}`))
        if (count % 3 === 2) await sleep(15)
      }
      return Promise.all(told)
    })
    nobodyIn(result)
    // On a busy machine somebody's witness may be late, and then it is ours that is too busy.
    expect(sourcesOf(result)).to.include.members(['deny by backend', 'deny by unanswered']).and.not.include('deny by default')
    expect(sourcesOf(others)).to.include('allow by backend')
  })

  for (const tls of [false, true]) {
    describe(`a backend that is stopped and goes on${tls ? ', behind TLS' : ''}`, () => {
      for (const [title, stopAtMs, goOnAtMs] of [
        ['before it is asked, for less than a quarter of the time', -10, 300], ['before it is asked, for half of the time', -10, 800],
        ['while it is asked', 5, 900], ['when the probe is under way', 450, 1300], ['just before the end', 1200, 1400]
      ] as const) {
        it(title, async () => {
          const stoppable = await backend({ tls, workMs: 2 })
          const { ask, chain } = chainOf({ url: stoppable.url })
          await chain.probe()
          await ask('token=bad')
          const start = performance.now() + 20
          const at = async (ms: number): Promise<void> => { await sleep(Math.max(0, start + ms - performance.now())) }
          await Promise.all([
            at(stopAtMs).then(() => stoppable.stop()),
            at(goOnAtMs).then(() => stoppable.goOn()),
            ...[0, 100, 400, 700, 1000].map(async (ms) => {
              await at(ms)
              const told = await Promise.all(['token=%', 'token=bad'].map((query) => ask(`${query}&n=${ms}`)))
              nobodyIn(told)
            })
          ])
        })
      }

      it('for longer than anybody waits: that is an outage, as long as nobody is answered', async () => {
        const stoppable = await backend({ tls, workMs: 2 })
        const { ask, chain } = chainOf({ url: stoppable.url, breaker: false })
        await chain.probe()
        stoppable.stop()
        const stoppedAt = performance.now()
        const told: Promise<Told>[] = []
        for (let count = 0; count < 30; count += 1) {
          told.push(ask(`token=bad&n=${count}`))
          await sleep(150)
        }
        stoppable.goOn()
        for (let count = 0; count < 10; count += 1) {
          told.push(ask(`token=bad&m=${count}`))
          await sleep(100)
        }
        const all = await Promise.all(told)
        const answers = all.filter(({ verdict }) => verdict.source === 'backend').map(({ toldAt }) => toldAt)
        const inside = all.filter(({ verdict }) => verdict.allowed)
        expect(sourcesOf(inside)).to.deep.equal(['allow by default'])
        for (const { toldAt } of inside) expect(answers.some((answer) => answer > stoppedAt && answer < toldAt), 'nobody was answered before').to.equal(false)
        expect(answers).to.have.length.at.least(10)
      })
    })
  }

  it('a thread pool that is kept busy, with a backend that is given by name', async () => {
    const { port } = await backend()
    const { ask } = chainOf({ url: `http://localhost:${port}`, maxConnections: 2 })
    let busy = true
    const occupy = (): void => { pbkdf2('p', 's', 300_000, 64, 'sha512', () => { if (busy) occupy() }) }
    for (let thread = 0; thread < 16; thread += 1) occupy()
    try {
      nobodyIn(await Promise.all(Array.from({ length: 20 }, async (_, index) => {
        await sleep(index * 150)
        return ask(`token=bad&n=${index}`)
      })))
    } finally {
      busy = false
    }
  })

  it('connections that a NAT has forgotten, while fresh ones are answered', async () => {
    const old = new Set<unknown>()
    let forgotten = false
    const server = keep(await rawBackend((socket) => {
      if (forgotten && old.has(socket)) return
      old.add(socket)
      socket.write(forbidden)
    }))
    const { ask } = chainOf({ url: server.url, maxConnections: 8 })
    await Promise.all(Array.from({ length: 8 }, (_, index) => ask(`token=bad&n=${index}`)))
    forgotten = true
    const held = [...old]
    old.clear()
    for (const socket of held) old.add(socket)
    const told = await Promise.all(Array.from({ length: 8 }, (_, index) => ask(`token=bad&m=${index}`)))
    nobodyIn(told)
    expect(sourcesOf(told)).to.include('deny by unanswered').and.not.include('deny by default')
  })

  it('failover after a hang: the first one is marked for nobody, and the second decides', async () => {
    const first = await backend({ fault: { on: 'token=%', is: 'hang' } })
    const second = await backend()
    const { ask, chain } = chainOf({ url: [first.url, second.url] })
    await chain.probe()
    const attack = await Promise.all([ask('token=%&n=1'), ask('token=%&n=2', '203.0.113.9')])
    expect(sourcesOf(attack)).to.deep.equal(['deny by backend'])
    const before = chain.backends().map(({ answers }) => answers)
    expect((await ask('token=123')).verdict).to.include({ allowed: true, source: 'backend' })
    expect(chain.backends().map(({ answers }) => answers), 'the first is asked first').to.deep.equal([before[0]! + 1, before[1]])
    first.stop()
    expect((await ask('token=bad')).verdict, 'one that is down').to.include({ allowed: false, source: 'backend' })
    first.goOn()
    await first.close()
    await second.close()
    expect((await ask('token=bad&n=3')).verdict, 'all are down, and that is an outage').to.include({ allowed: true, source: 'default' })
  })
})
