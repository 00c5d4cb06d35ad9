import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import type Fs from 'node:fs'
import { join } from 'node:path'
import { startBackend, type ControlledBackend } from '../../support/backend.js'
import { certificatePath } from '../../support/certificates.js'
import type { Decided, Ports } from '../../support/server.js'
import { until } from '../../support/waiting.js'
import { openArena, type Arena } from './arena.js'
import { actionsOf, attack, WAYS, YES, type Outcome, type Shape, type Way } from './attack.js'
import { FOUR_WAYS, join as joinAs } from './join.js'

/** One who may not even have been let finish TLS. */
const attackOrCut = async (ports: Ports, way: Way, shape: Shape): Promise<Outcome> => {
  try {
    return await attack(ports, way, shape)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    return { way, shape, answer: undefined, mediaBytes: 0, gone: true }
  }
}

/** So many clients of every way and action. */
const crowd = ({ ports }: Arena, rounds: number): Promise<Outcome[]> =>
  Promise.all(Array.from({ length: rounds }, (_, index) => WAYS.flatMap((way) =>
    actionsOf(way).map((action) => attackOrCut(ports, way, { action, query: `token=1&n=${index}` })))).flat())

const CROWD = WAYS.flatMap(actionsOf).length
/** A playlist and a file of one directory are one session, until it is denied, if the playlist comes first. */
const LEAST_QUESTIONS = CROWD - 1

/** How many were decided in which way. */
const count = (verdicts: readonly Decided[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { verdict } of verdicts) {
    const what = `${verdict.allowed ? 'allow' : 'deny'} by ${verdict.source}`
    counts[what] = (counts[what] ?? 0) + 1
  }
  return counts
}

const nobodyIn = (outcomes: readonly Outcome[]): void => {
  for (const outcome of outcomes) {
    const what = JSON.stringify(outcome)
    expect(outcome.mediaBytes, what).to.equal(0)
    expect(YES.has(outcome.answer), what).to.equal(false)
    expect(outcome.gone, what).to.equal(true)
  }
}

describe('own exhaustion under a default action of allow, and a backend that denies', function () {
  this.timeout(60_000)
  let arena: Arena
  before(async () => { arena = await openArena({ options: { defaultAction: 'allow', hlsIdleMs: 300, files: { vodIdleMs: 300 } } }) })
  afterEach('none of it is an outage, nor counts for the breaker', async () => { expect(await arena.server.outages()).to.deep.equal([]) })
  after(() => arena?.close())

  /** Who may get in gets in when it is over. */
  const allIsWell = async (backend = arena.backend): Promise<void> => {
    backend.reset()
    await arena.unharmed(async () => {
      for (const way of FOUR_WAYS) expect(await joinAs(arena.ports, way, { query: 'token=123' }), way).to.equal('in')
    })
  }

  describe('few file descriptors', () => {
    before(() => { execFileSync('prlimit', ['--pid', String(arena.server.pid), '--nofile=400:']) })

    /** While something runs the server's process has so many left, and no more. */
    const having = async <T>(left: number, run: () => Promise<T>): Promise<T> => {
      await arena.server.evaluate(({ require, state }, spared) => {
        const { closeSync, openSync } = require('node:fs') as typeof Fs
        const taken: number[] = []
        state['taken'] = taken
        try {
          for (;;) taken.push(openSync('/dev/null', 'r'))
        } catch {
          for (const file of taken.splice(0, spared)) closeSync(file)
        }
      }, left)
      try {
        return await run()
      } finally {
        await arena.server.evaluate(({ require, state }) => {
          for (const file of state['taken'] as number[]) (require('node:fs') as typeof Fs).closeSync(file)
        })
      }
    }
    const isFree = (): Promise<boolean> => arena.server.evaluate(({ require }) => {
      const { closeSync, openSync } = require('node:fs') as typeof Fs
      try {
        closeSync(openSync('/dev/null', 'r'))
        return true
      } catch {
        return false
      }
    })

    it('the last one is the client\'s: the backend cannot be asked, and the client is told to try again', async () => {
      // No connection to the backend is kept from before.
      await arena.attach({})
      const { verdicts, asked } = await arena.unharmed(() => having(1, async () => {
        for (const way of WAYS) {
          expect(await joinAs(arena.ports, way, { query: 'token=1' }), way).to.equal('out')
          await until(isFree, 'the descriptor is free again')
        }
      }))
      expect(count(verdicts)).to.deep.equal({ 'deny by overload': WAYS.length })
      expect(asked).to.deep.equal([])
      await allIsWell()
    })

    it('a crowd that takes them all: some are cut, some denied, and nobody gets in', async () => {
      await arena.attach({})
      // Not half of the crowd can even be accepted.
      const { result, verdicts } = await arena.unharmed(() => having(60, () => crowd(arena, 10)))
      nobodyIn(result)
      expect(verdicts.length, 'some are cut at once').to.be.below(result.length)
      for (const { verdict } of verdicts) expect(verdict.source, verdict.reason).to.be.oneOf(['backend', 'overload'])
      await allIsWell()
    })
  })

  it('no ephemeral port: the kernel refuses to make the connection, and nobody gets in', async () => {
    await arena.attach({})
    // To take 28,000 ports away would take them from the whole machine. An address to come from that
    // this machine does not have gets the same answer of the same kernel, where the port would be chosen.
    await arena.server.evaluate(({ require, state }) => {
      const net = require('node:net') as { connect: (options: object, ...rest: unknown[]) => unknown }
      const { connect } = net
      net.connect = (options, ...rest) => connect({ ...options, localAddress: '192.0.2.1' }, ...rest)
      state['restore'] = () => { net.connect = connect }
    })
    const { result, verdicts, asked } = await arena.unharmed(async () => {
      try {
        return await crowd(arena, 3)
      } finally {
        await arena.server.evaluate(({ state }) => (state['restore'] as () => void)())
      }
    })
    nobodyIn(result)
    expect(count(verdicts)).to.deep.equal({ 'deny by overload': 3 * CROWD })
    expect(asked).to.deep.equal([])
    await allIsWell()
  })

  describe('an event loop that is kept busy', () => {
    /** Resolves when the server's process has begun to do nothing else for a while. */
    const keepBusy = async (ms: number): Promise<void> => {
      const mark = join(arena.server.dir, 'busy')
      void arena.server.evaluate(({ require }, forMs) => {
        (require('node:fs') as typeof Fs).writeFileSync('busy', '')
        const end = Date.now() + forMs
        while (Date.now() < end);
      }, ms)
      await until(() => existsSync(mark), 'the event loop is busy')
      rmSync(mark)
    }

    for (const tls of [false, true]) {
      describe(tls ? 'with a backend behind TLS' : 'with a backend', () => {
        // Long enough for a slow machine to bring everybody to the door before the first one's time is up.
        const timeoutMs = 4000
        const busyMs = 1.25 * timeoutMs
        let backend: ControlledBackend
        before(async () => {
          backend = await startBackend({ tls })
          await arena.attach({ url: backend.url, tls: { ca: certificatePath('ca.pem') }, timeoutMs })
        })
        after(() => backend.close())

        it('while answers are on the wire, for longer than they may take', async () => {
          backend.answer({ hold: true, status: 403 })
          const { result, verdicts } = await arena.unharmed(async () => {
            const asking = crowd(arena, 1)
            const isHeld = (): Promise<boolean> => arena.server.evaluate(({ auth }, count) => auth?.stats().held === count, CROWD)
            await until(async () => backend.held().length >= LEAST_QUESTIONS && await isHeld(), () => `everybody is held; ${backend.held().length} are asked for`)
            await keepBusy(busyMs)
            // A file whose playlist was denied is then asked for itself.
            backend.answer({ status: 403 })
            backend.release()
            return asking
          })
          nobodyIn(result)
          expect(count(verdicts)).to.deep.equal({ 'deny by backend': CROWD })
          await allIsWell(backend)
        })

        it('again and again, from the question to the answer', async () => {
          backend.answer({ status: 403 })
          const { result, verdicts } = await arena.unharmed(async () => {
            const asking = crowd(arena, 3)
            for (let spentMs = 0; spentMs < busyMs; spentMs += 300) await keepBusy(300)
            return asking
          })
          nobodyIn(result)
          expect(count(verdicts)).to.deep.equal({ 'deny by backend': 3 * CROWD })
          await allIsWell(backend)
        })
      })
    }
  })

  it('a queue that never drains: who waits behind others is denied while the backend answers somebody', async () => {
    // One connection, over which it answers ever again, but never everybody in time.
    await arena.attach({ maxConnections: 1, timeoutMs: 3000 })
    arena.backend.answer({ status: 403, delayMs: 500 })
    const { result, verdicts } = await arena.unharmed(() => crowd(arena, 3))
    nobodyIn(result)
    expect(count(verdicts)).to.have.all.keys('deny by backend', 'deny by unanswered')
    await allIsWell()
  })
})
