import { expect } from 'chai'
import type { pbkdf2 } from 'node:crypto'
import type { Options } from '../../../lib/options/options.js'
import { encodeAmfs } from '../../support/amf.js'
import { byToken } from '../../support/backend.js'
import { cleanup } from '../../support/cleanup.js'
import { toChunks } from '../../support/rtmp-chunks.js'
import { COMMAND, RtmpClient } from '../../support/rtmp-client.js'
import { startStoppable, type Behaviour, type Stoppable } from '../../support/stoppable-backend.js'
import { until } from '../../support/waiting.js'
import { Wire } from '../../support/wire.js'
import { openArena, type Arena } from './arena.js'
import { actionsOf, attack, WAYS, YES, type Outcome } from './attack.js'
import { FOUR_WAYS, join } from './join.js'

const HONEST = 'token=123'
const TIMEOUT_MS = 1500

/** Bytes of a client that make a backend, or a filter before it, say nothing, or nothing that counts. */
const BYTES: readonly [what: string, query: string, is: NonNullable<Behaviour['fault']>['is']][] = [
  ['whose handler throws on them', 'token=%', 'hang'],
  ['with a filter that drops them', 'x=<script>', 'close'],
  ['that says 100 Continue before its 403', 'expect=1', 'continue']
]

/** What does `proof.test.ts` over real connections: clients of every protocol, node-media-server, and a backend in a process of its own. */
describe('who has no token, under a default action of allow and over node-media-server', function () {
  this.timeout(120_000)
  const keep = cleanup()
  let arena: Arena
  let backend: Stoppable
  before(async () => { arena = keep(await openArena({ options: { hlsIdleMs: 300, files: { vodIdleMs: 300 } } })) })
  after(() => keep.run())
  const each = cleanup()
  afterEach(() => each.run())

  /** Attaches the plugin anew, with a backend that behaves like that. */
  const facing = async (behaviour: Behaviour, options: (backend: Stoppable) => Partial<Options> = () => ({})): Promise<void> => {
    backend = each(await startStoppable(behaviour))
    await arena.attach({ url: backend.url, defaultAction: 'allow', timeoutMs: TIMEOUT_MS, ...options(backend) })
  }
  /** Attackers of every protocol, who play and publish. */
  const attackers = (query: string): Promise<Outcome[]> => Promise.all(WAYS.flatMap((way) => actionsOf(way).map((action, index) =>
    attack(arena.ports, way, { action, query: `${query}&n=${index}` }))))
  const nobodyIn = (outcomes: readonly Outcome[]): void => {
    for (const outcome of outcomes) {
      expect([outcome.mediaBytes, YES.has(outcome.answer), outcome.gone], JSON.stringify(outcome)).to.deep.equal([0, false, true])
    }
  }
  let joined = 0
  /** Viewers who behave come, over every protocol, as long as something lasts. */
  const beside = async <T>(run: () => Promise<T>): Promise<{ result: T, others: ('in' | 'out')[] }> => {
    let over = false
    const others: ('in' | 'out')[] = []
    const coming = FOUR_WAYS.map(async (way) => {
      do others.push(await join(arena.ports, way, { query: `${HONEST}&n=${joined += 1}` }))
      while (!over)
    })
    try {
      return { result: await run(), others }
    } finally {
      over = true
      await Promise.all(coming)
    }
  }
  /** In an outage that is one everybody is let in, and when it is over nobody without a token. */
  const realOutages = async (): Promise<void> => {
    backend.stop()
    await until(async () => await join(arena.ports, 'http-flv', { query: `${HONEST}&n=${joined += 1}` }) === 'in', 'viewers are let in while it is stopped', 30_000)
    backend.goOn()
    await until(async () => await join(arena.ports, 'http-flv', { query: `token=bad&n=${joined += 1}` }) === 'out', 'it is asked again', 30_000)
    await down()
  }
  const down = async (): Promise<void> => {
    await backend.close()
    for (const way of FOUR_WAYS) expect(await join(arena.ports, way, { query: `${HONEST}&n=${joined += 1}` }), `${way} while it is down`).to.equal('in')
  }

  for (const [what, query, is] of BYTES) {
    it(`gets in by no bytes to a backend ${what}`, async () => {
      await facing({ fault: { on: query.slice(0, 7), is } }, () => ({ breaker: { failures: 4, probeMs: 300 }, lastVerdictMs: 60_000 }))
      const { result: { result }, verdicts } = await arena.unharmed(() => beside(async () => [...await attackers(query), ...await attackers(query)]))
      nobodyIn(result)
      const own = verdicts.filter(({ request }) => !request.query.startsWith(HONEST))
      expect(own).to.have.length.at.least(result.length - 2)
      for (const { verdict } of own) expect(verdict.source, verdict.reason).to.equal('unanswered')
      const others = verdicts.filter(({ request }) => request.query.startsWith(HONEST))
      for (const { verdict } of others) expect([verdict.allowed, verdict.source], verdict.reason).to.deep.equal([true, 'backend'])
      expect(others).to.have.length.at.least(8)
      await realOutages()
    })
  }

  it('gets in by no last verdict, once its access was withdrawn', async () => {
    await arena.attach({ defaultAction: 'allow', timeoutMs: TIMEOUT_MS, lastVerdictMs: 60_000 })
    const query = 'token=withdrawn'
    for (const way of FOUR_WAYS) {
      arena.backend.answer({ status: 200 })
      expect(await join(arena.ports, way, { query }), way).to.equal('in')
      // A session over HLS goes on for a while.
      await arena.server.waitFor(({ auth }) => auth?.stats().viewers === 0)
      // The backend falls silent on it, or cuts it, and answers everybody else.
      for (const fault of [{ hold: true }, { destroy: true }]) {
        arena.backend.answer((asked) => asked.query.includes(query) ? fault : byToken(asked))
        const { result, others } = await beside(() => join(arena.ports, way, { query }))
        expect(result, way).to.equal('out')
        expect(new Set(others), way).to.deep.equal(new Set(['in']))
      }
      arena.backend.reset()
      arena.backend.release()
    }
  })

  it('takes the first of two backends from nobody', async () => {
    await facing({ fault: { on: 'token=%', is: 'hang' } })
    const first = backend
    const second = each(await startStoppable())
    await arena.attach({ url: [first.url, second.url], defaultAction: 'allow', timeoutMs: TIMEOUT_MS })
    const { result: { result, others } } = await arena.unharmed(() => beside(() => attackers('token=%')))
    nobodyIn(result)
    expect(new Set(others)).to.deep.equal(new Set(['in']))
  })

  it('gets in by no commands that keep the event loop busy while it is asked about', async () => {
    await facing({ workMs: 300 })
    const undecodable = Buffer.concat([
      RtmpClient.blindHandshake(), toChunks({ type: COMMAND, streamId: 0, timestamp: 0, payload: encodeAmfs('connect', 1).subarray(0, 1) }, { chunkSize: 128 }),
      ...Array.from({ length: 31_000 }, () => Buffer.from('c3ff', 'hex'))
    ])
    const { result: { result, others } } = await arena.unharmed(() => beside(async () => {
      let over = false
      const flooding = (async () => {
        while (!over) {
          const wires = await Promise.all(Array.from({ length: 4 }, () => Wire.open({ port: arena.ports.rtmp })))
          for (const wire of wires) wire.write(undecodable)
          await Promise.all(wires.map((wire) => wire.closed))
        }
      })()
      try {
        const told: Outcome[] = []
        for (let round = 0; round < 3; round += 1) told.push(...await attackers(`token=bad&round=${round}`))
        return told
      } finally {
        over = true
        await flooding
      }
    }))
    nobodyIn(result)
    expect(others).to.include('in')
    await realOutages()
  })

  it('gets in by no thread pool that is busy, where the backend is given by name', async () => {
    await facing({}, ({ port }) => ({ url: `http://localhost:${port}`, maxConnections: 2 }))
    const { result, verdicts } = await arena.unharmed(async () => {
      await arena.server.evaluate(({ require, state }) => {
        const crypto = require('node:crypto') as { pbkdf2: typeof pbkdf2 }
        state['busy'] = true
        const occupy = (): void => crypto.pbkdf2('p', 's', 300_000, 64, 'sha512', () => { if (state['busy'] === true) occupy() })
        for (let thread = 0; thread < 16; thread += 1) occupy()
      })
      try {
        return [...await attackers('token=bad&round=1'), ...await attackers('token=bad&round=2')]
      } finally {
        await arena.server.evaluate(({ state }) => { state['busy'] = false })
      }
    })
    nobodyIn(result)
    for (const { verdict } of verdicts) expect(verdict.source, verdict.reason).to.be.oneOf(['backend', 'overload', 'unanswered'])
    // The probe waits longer now, as answers were late, but not for ever.
    await realOutages()
  })
})
