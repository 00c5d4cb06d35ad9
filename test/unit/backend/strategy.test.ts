import { expect } from 'chai'
import type { Verdict } from '../../../lib/access/verdict.js'
import { allow, deny } from '../../../lib/access/verdict.js'
import { any, DOWN_MS, failover, type Ask } from '../../../lib/backend/strategy.js'
import { BackendUnavailable } from '../../../lib/errors.js'
import { access, ask, backendFor, cleanup, forbidden, ok, outage, rawBackend, sleep, type Answer } from './raw-backend.js'

type Outcome = 'allow' | 'deny' | 'fault' | 'overload' | 'unanswered' | 'malformed' | 'outage' | 'bug' | 'never'

const signal = new AbortController().signal
const bug = new Error('bug')

/** Backends that do as they are told, and who was asked with which budget. */
const scripted = (outcomes: Outcome[]): { asks: Ask[], asked: [index: number, budgetMs: number][], outcomes: Outcome[] } => {
  const asked: [number, number][] = []
  const verdict = (outcome: Outcome, index: number): Promise<Verdict> => {
    switch (outcome) {
      case 'allow': return Promise.resolve(allow('backend', `${index}`))
      case 'deny': return Promise.resolve(deny('backend', `${index}`))
      case 'fault': return Promise.resolve({ ...deny('backend', `${index}`), fault: 'x' })
      case 'overload': case 'unanswered': case 'malformed': return Promise.resolve(deny(outcome, `${index}`))
      case 'outage': return Promise.reject(new BackendUnavailable(`${index} is down`))
      case 'bug': return Promise.reject(bug)
      case 'never': return new Promise(() => undefined)
    }
  }
  const asks = outcomes.map((_, index): Ask => (_request, _signal, budgetMs) => {
    asked.push([index, budgetMs])
    return verdict(outcomes[index] ?? 'never', index)
  })
  return { asks, asked, outcomes }
}

describe('several backends', () => {
  describe('any: all are asked at once', () => {
    for (const [outcomes, expected] of [
      [['allow', 'deny'], 'allow by backend'],
      [['deny', 'allow'], 'allow by backend'],
      [['outage', 'allow'], 'allow by backend'],
      [['overload', 'allow'], 'allow by backend'],
      [['never', 'allow'], 'allow by backend'],
      [['deny', 'deny'], 'deny by backend'],
      [['deny', 'fault'], 'deny by backend'],
      [['deny', 'outage'], 'outage: 1 is down'],
      [['outage', 'deny', 'outage'], 'outage: 0 is down; 2 is down'],
      [['overload', 'outage'], 'deny by overload'],
      [['deny', 'overload'], 'deny by overload'],
      [['unanswered', 'allow'], 'allow by backend'],
      [['unanswered', 'overload'], 'deny by overload'],
      [['outage', 'unanswered'], 'deny by unanswered'],
      [['unanswered', 'deny'], 'deny by unanswered'],
      [['malformed', 'malformed'], 'deny by malformed'],
      [['outage', 'bug'], 'bug']
    ] as [Outcome[], string][]) {
      it(`${outcomes.join(', ')}: ${expected}`, async () => {
        const { asks, asked } = scripted(outcomes)
        const got: unknown = await any(asks, 1000)(access(), signal).catch((error: unknown) => error)
        if (got instanceof BackendUnavailable) expect(`outage: ${got.message}`).to.equal(expected)
        else if (got === bug) expect(expected).to.equal('bug')
        else expect(`${(got as Verdict).allowed ? 'allow' : 'deny'} by ${(got as Verdict).source}`).to.equal(expected)
        expect(asked).to.deep.equal(outcomes.map((_, index) => [index, 1000]))
      })
    }
    it('a fault of one is told when all deny', async () => {
      expect(await any(scripted(['deny', 'fault']).asks, 1000)(access(), signal)).to.have.property('fault')
    })
  })

  describe('failover: the next is asked only when one is unavailable', () => {
    const run = async (outcomes: Outcome[], timeoutMs = 3000): Promise<{ got: unknown, asked: [number, number][] }> => {
      const { asks, asked } = scripted(outcomes)
      return { got: await failover(asks, timeoutMs, () => 0)(access(), signal).catch((error: unknown) => error), asked }
    }
    for (const [outcomes, who] of [
      [['allow', 'allow'], [0]], [['deny', 'allow'], [0]], [['overload', 'allow'], [0, 1]], [['unanswered', 'deny'], [0, 1]], [['malformed', 'allow'], [0]], [['fault', 'allow'], [0]],
      [['outage', 'allow'], [0, 1]], [['outage', 'deny', 'allow'], [0, 1]], [['outage', 'outage', 'allow'], [0, 1, 2]], [['bug', 'allow'], [0]]
    ] as [Outcome[], number[]][]) {
      it(`${outcomes.join(', ')}: asks ${who.join(', ')}`, async () => {
        const { got, asked } = await run(outcomes)
        expect(asked.map(([index]) => index)).to.deep.equal(who)
        if (outcomes[0] === 'bug') expect(got).to.equal(bug)
        else expect(got).to.have.property('reason', `${who.at(-1)}`)
      })
    }
    it('an outage of all is an outage, and names each', async () => {
      const { got } = await run(['outage', 'outage'])
      expect(got).to.be.instanceOf(BackendUnavailable).and.include({ message: '0 is down; 1 is down' })
      expect((got as BackendUnavailable).cause).to.be.instanceOf(AggregateError)
    })
    for (const [outcomes, source] of [
      [['unanswered', 'unanswered'], 'unanswered'], [['outage', 'unanswered'], 'unanswered'], [['unanswered', 'outage'], 'unanswered'],
      [['unanswered', 'overload'], 'overload'], [['outage', 'overload'], 'overload']
    ] as [Outcome[], string][]) {
      it(`${outcomes.join(', ')}: ${source}, since not every one is proven to be down`, async () => {
        expect((await run(outcomes)).got).to.include({ allowed: false, source })
      })
    }
    it('one that left a question unanswered is not marked', async () => {
      const { asks, asked, outcomes } = scripted(['unanswered', 'allow'])
      const authorize = failover(asks, 3000, () => 0)
      for (const each of ['unanswered', 'overload'] as const) {
        outcomes[0] = each
        await authorize(access(), signal)
      }
      expect(asked.map(([index]) => index)).to.deep.equal([0, 1, 0, 1])
    })
    it('each has an equal share of the time that is left', async () => {
      let time = 0
      const { asks, asked } = scripted(['outage', 'outage', 'allow'])
      const slow = asks.map((each): Ask => (request, given, budgetMs) => { time += 500; return each(request, given, budgetMs) })
      await failover(slow, 3000, () => time)(access(), signal)
      expect(asked).to.deep.equal([[0, 1000], [1, 1250], [2, 2000]])
    })
    it('no time left means nobody else is asked', async () => {
      let time = 0
      const { asks, asked } = scripted(['outage', 'allow'])
      const slow = asks.map((each): Ask => (request, given, budgetMs) => { time += 3000; return each(request, given, budgetMs) })
      expect(await failover(slow, 3000, () => time)(access(), signal)).to.include({ allowed: false, source: 'overload' })
      expect(asked).to.deep.equal([[0, 1500]])
    })
    it('one that was down is asked last for a while, then one request tries it, and it is first again once it answers', async () => {
      let time = 0
      const { asks, asked, outcomes } = scripted(['outage', 'allow'])
      const authorize = failover(asks, 3000, () => time)
      const who = async (count = 1): Promise<number[]> => {
        asked.length = 0
        await Promise.all(Array.from({ length: count }, () => authorize(access(), signal)))
        return asked.map(([index]) => index)
      }
      expect(await who()).to.deep.equal([0, 1])
      time = DOWN_MS - 1
      expect(await who()).to.deep.equal([1])
      time = DOWN_MS
      expect((await who(3)).toSorted(), 'one of three tries').to.deep.equal([0, 1, 1, 1])
      time = DOWN_MS * 2
      outcomes[0] = 'allow'
      expect((await who(3)).toSorted()).to.deep.equal([0, 1, 1])
      expect(await who()).to.deep.equal([0])
    })
    it('one that was down is still asked when the others are down too', async () => {
      const { asks, asked, outcomes } = scripted(['outage', 'outage'])
      const authorize = failover(asks, 3000, () => 0)
      await authorize(access(), signal).catch(() => undefined)
      outcomes[0] = 'allow'
      expect(await authorize(access(), signal)).to.include({ allowed: true })
      expect(asked.map(([index]) => index)).to.deep.equal([0, 1, 0])
    })
  })

  describe('over real connections', () => {
    const keep = cleanup()
    afterEach(() => keep.run())
    const serve = (answer: Answer): ReturnType<typeof rawBackend> => rawBackend(answer).then(keep)

    it('failover passes one that never answers within the one budget', async () => {
      const silent = await serve(() => undefined)
      const good = await serve((socket) => { socket.write(ok) })
      const backend = keep(backendFor([silent.url, good.url], { timeoutMs: 400 }))
      expect(await ask(backend)).to.include({ allowed: true })
      expect(await ask(backend)).to.include({ allowed: true })
      expect(silent.requests, 'it is not asked first again').to.have.lengthOf(1)
    })
    it('failover does not pass a denial, but an unavailable status', async () => {
      const first = await serve((socket, _, index) => { socket.write(index === 0 ? forbidden : ok.replace('200', '503')) })
      const second = await serve((socket) => { socket.write(ok) })
      const backend = keep(backendFor([first.url, second.url], { unavailableStatuses: [503] }))
      expect(await ask(backend)).to.include({ allowed: false, status: 403 })
      expect(second.requests).to.deep.equal([])
      expect(await ask(backend)).to.include({ allowed: true })
    })
    it('any takes the first 200 and lets the others finish', async () => {
      const slow = await serve((socket) => { setTimeout(() => socket.write(forbidden), 50) })
      const fast = await serve((socket) => { socket.write(ok) })
      const backend = keep(backendFor([slow.url, 'http://127.0.0.1:1', fast.url], { strategy: 'any' }))
      for (let count = 0; count < 3; count += 1) {
        expect(await ask(backend)).to.include({ allowed: true })
        await sleep(80)
      }
      expect([slow.sockets.length, slow.requests.length]).to.deep.equal([1, 3])
    })
    it('an outage of all names each', async () => {
      const silent = await serve(() => undefined)
      const { message } = await outage(ask(keep(backendFor(['http://127.0.0.1:1', silent.url], { timeoutMs: 800, strategy: 'any' }))))
      expect(message).to.match(/^connection refused by 127\.0\.0\.1:1; no answer by 127\.0\.0\.1:\d+ within 800 ms$/)
    })
  })
})
