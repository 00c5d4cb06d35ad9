import { expect } from 'chai'
import sinon from 'sinon'
import { deny } from '../../../lib/access/verdict.js'
import { BackendUnavailable } from '../../../lib/errors.js'
import { breaker } from '../../../lib/policy/breaker.js'
import { byAction } from '../../../lib/policy/by-action.js'
import { defaultAction } from '../../../lib/policy/default-action.js'
import { watchOutage } from '../../../lib/policy/outage.js'
import { ALLOW, DENY, fakeBackend, OUTAGE, outcome, OVERLOAD, requestOf, slowBackend, stays } from './support.js'

const ABORTED = new DOMException('the client left', 'AbortError')

describe('the default action', () => {
  for (const action of ['allow', 'deny'] as const) {
    for (const [what, answer, seen] of [
      ['an allow', ALLOW, 'allow by backend'],
      ['a denial', DENY, 'deny by backend'],
      ['overload', OVERLOAD, 'deny by overload'],
      ['an outage', OUTAGE, `${action} by default`],
      ['a bug', new TypeError('x'), 'TypeError'],
      ['a client that left', ABORTED, 'AbortError']
    ] as const) {
      it(`"${action}" makes of ${what}: ${seen}`, async () => {
        const authorize = defaultAction(fakeBackend(answer).authorize, { defaultAction: action })
        expect(await outcome(authorize(requestOf(), stays))).to.equal(seen)
      })
    }
  }

  it('tells the client what happened, and not where', async () => {
    const outage = new BackendUnavailable('connection refused by 192.0.2.1:6000', { forClients: 'connection refused by the backend' })
    const authorize = defaultAction(fakeBackend(outage).authorize, { defaultAction: 'deny' })
    expect((await authorize(requestOf(), stays)).reason).to.equal('backend unavailable (connection refused by the backend), default action is deny')
  })
  it('tells nothing of an outage that has no words for clients', async () => {
    const authorize = defaultAction(fakeBackend(new BackendUnavailable('GET http://b/?token=s3cret')).authorize, { defaultAction: 'deny' })
    expect((await authorize(requestOf(), stays)).reason).to.equal('backend unavailable (the backend cannot be asked), default action is deny')
  })

  it('reports each request that met the outage', async () => {
    const onUnavailable = sinon.spy()
    const authorize = defaultAction(fakeBackend(OUTAGE).authorize, { defaultAction: 'allow', onUnavailable })
    const request = requestOf()
    const verdict = await authorize(request, stays)
    sinon.assert.calledOnceWithExactly(onUnavailable, request, verdict, OUTAGE)
  })
})

/** A backend whose probe and whose answers to others the test has in its hands. */
const watched = () => {
  const listeners: (() => void)[] = []
  const probes: ((outcome: 'answered' | 'silent' | 'failed') => void)[] = []
  return {
    probes,
    answer: () => { for (const listener of listeners) listener() },
    onAnswer: (listener: () => void) => { listeners.push(listener) },
    probe: () => new Promise<'answered' | 'silent' | 'failed'>((resolve) => { probes.push(resolve) })
  }
}

describe('the breaker', () => {
  let clock: sinon.SinonFakeTimers
  beforeEach(() => { clock = sinon.useFakeTimers() })
  afterEach(() => clock.restore())

  const setup = (answer: Error = OUTAGE) => {
    const seen: string[] = []
    const backend = fakeBackend(answer)
    const world = watched()
    const hooks = { onOpen: (reason: string) => seen.push(`open: ${reason}`), onClose: () => seen.push('close') }
    const { authorize, close } = breaker(backend.authorize, { failures: 3, probeMs: 1000 }, world, hooks)
    const ask = async (times = 1): Promise<string> => {
      let last = ''
      for (let i = 0; i < times; i += 1) last = await outcome(authorize(requestOf(), stays))
      return last
    }
    const probeSays = async (what: 'answered' | 'silent' | 'failed'): Promise<void> => {
      world.probes.shift()?.(what)
      await clock.tickAsync(0)
    }
    return { seen, backend, ask, close, probeSays, ...world }
  }

  it('opens after so many outages in a row', async () => {
    const { ask, backend, seen } = setup()
    await ask(2)
    expect(seen).to.deep.equal([])
    expect(await ask(10)).to.equal('BackendUnavailable')
    expect(backend.asked).to.have.length(3)
    expect(seen).to.deep.equal(['open: connection refused'])
  })

  it('has the probe try each probe time, and no client as long as that fails', async () => {
    const { ask, backend, probes, probeSays } = setup()
    await ask(3)
    await clock.tickAsync(999)
    expect(probes).to.have.length(0)
    await clock.tickAsync(1)
    expect(probes).to.have.length(1)
    await clock.tickAsync(5000)
    expect(probes, 'one at a time').to.have.length(1)
    await probeSays('failed')
    await ask(5)
    await clock.tickAsync(1000)
    expect(probes).to.have.length(1)
    await probeSays('failed')
    await ask(5)
    expect(backend.asked).to.have.length(3)
  })

  it('lets one client try when the probe went out and was not answered', async () => {
    const { ask, backend, probeSays } = setup()
    await ask(3)
    for (const asked of [4, 5]) {
      await clock.tickAsync(1000)
      await probeSays('silent')
      await ask(5)
      expect(backend.asked).to.have.length(asked)
    }
  })

  it('lets one client try at a time', async () => {
    const { waiting, authorize } = slowBackend()
    const world = watched()
    const guarded = breaker(authorize, { failures: 1, probeMs: 1000 }, world)
    const ask = (): Promise<string> => outcome(guarded.authorize(requestOf(), stays))
    const first = ask()
    waiting.shift()?.(OUTAGE)
    await first
    await clock.tickAsync(1000)
    world.probes.shift()?.('silent')
    await clock.tickAsync(0)
    const trial = ask()
    await clock.tickAsync(1000)
    world.probes.shift()?.('silent')
    await clock.tickAsync(0)
    expect(await Promise.all([ask(), ask()])).to.deep.equal(['BackendUnavailable', 'BackendUnavailable'])
    expect(waiting).to.have.length(1)
    waiting.shift()?.(DENY)
    expect(await trial).to.equal('deny by backend')
  })

  it('closes as soon as anybody is answered, a probe or the client of another section', async () => {
    const { ask, backend, answer, seen } = setup()
    await ask(3)
    backend.answer = DENY
    answer()
    expect(await ask(5)).to.equal('deny by backend')
    expect(seen.at(-1)).to.equal('close')
    backend.answer = OUTAGE
    await ask(2)
    expect(seen).to.have.length(2)
  })

  for (const [what, answer] of [
    ['denials', DENY], ['overload', OVERLOAD], ['questions that are left unanswered', deny('unanswered', 'x')],
    ['clients that leave', ABORTED], ['bugs', new TypeError('x')]
  ] as const) {
    it(`is not opened by ${what}`, async () => {
      const { ask, backend } = setup()
      backend.answer = answer
      await ask(20)
      expect(backend.asked).to.have.length(20)
    })
  }

  it('counts outages in a row only', async () => {
    const { ask, answer, seen } = setup()
    for (let i = 0; i < 5; i += 1) {
      await ask(2)
      answer()
    }
    expect(seen).to.deep.equal([])
  })

  it('takes neither overload nor an unanswered question for an answer', async () => {
    const { ask, backend } = setup()
    await ask(2)
    for (const answer of [OVERLOAD, deny('unanswered', 'x')]) {
      backend.answer = answer
      await ask()
    }
    backend.answer = OUTAGE
    await ask(5)
    expect(backend.asked).to.have.length(5)
  })

  it('is not opened by slow requests while others are answered', async () => {
    const { waiting, authorize } = slowBackend()
    const world = watched()
    const onOpen = sinon.spy()
    const guarded = breaker(authorize, { failures: 3, probeMs: 1000 }, world, { onOpen })
    const asked = Array.from({ length: 6 }, () => outcome(guarded.authorize(requestOf(), stays)))
    world.answer()
    for (const answer of waiting) answer(OUTAGE)
    await Promise.all(asked)
    sinon.assert.notCalled(onOpen)
  })

  it('leaves no timer behind when it is closed', async () => {
    const { ask, close } = setup()
    await ask(3)
    close()
    expect(clock.countTimers()).to.equal(0)
  })

  it('can be switched off', async () => {
    const backend = fakeBackend(OUTAGE)
    const { authorize } = breaker(backend.authorize, false, watched())
    for (let i = 0; i < 50; i += 1) await outcome(authorize(requestOf(), stays))
    expect(backend.asked).to.have.length(50)
  })
})

describe('watching for an outage', () => {
  let clock: sinon.SinonFakeTimers
  beforeEach(() => { clock = sinon.useFakeTimers() })
  afterEach(() => clock.restore())

  const setup = () => {
    const seen: string[] = []
    const backend = fakeBackend(OUTAGE)
    const world = watched()
    const { authorize } = watchOutage(backend.authorize, world.onAnswer, {
      onBegin: ({ message }) => seen.push(`begin: ${message}`),
      onEnd: (requests, reason) => seen.push(`end: ${requests}, ${reason}`)
    })
    const ask = async (answer: typeof ALLOW | Error, times = 1): Promise<void> => {
      backend.answer = answer
      for (let i = 0; i < times; i += 1) {
        await outcome(authorize(requestOf(), stays))
        if (answer === ALLOW || answer === DENY) world.answer()
      }
    }
    return { seen, ask }
  }

  it('tells the begin once and the end once, with a count', async () => {
    const { seen, ask } = setup()
    await ask(OUTAGE, 1000)
    expect(seen).to.deep.equal(['begin: connection refused'])
    await ask(DENY, 10)
    clock.tick(1000)
    expect(seen).to.deep.equal(['begin: connection refused', 'end: 1000, connection refused'])
  })

  it('takes a backend that fails now and then for one outage', async () => {
    const { seen, ask } = setup()
    for (let i = 0; i < 20; i += 1) {
      await ask(OUTAGE)
      await ask(ALLOW)
      clock.tick(500)
    }
    expect(seen).to.have.length(1)
    clock.tick(500)
    expect(seen.at(-1)).to.equal('end: 20, connection refused')
  })

  it('does not end with what is no answer', async () => {
    const { seen, ask } = setup()
    await ask(OUTAGE)
    for (const answer of [OVERLOAD, ABORTED, new TypeError('x'), deny('malformed', 'x'), deny('unanswered', 'x')]) await ask(answer)
    clock.tick(60_000)
    expect(seen).to.have.length(1)
  })

  it('says nothing while the backend answers', async () => {
    const { seen, ask } = setup()
    await ask(ALLOW, 5)
    await ask(DENY, 5)
    clock.tick(5000)
    expect(seen).to.deep.equal([])
    expect(clock.countTimers()).to.equal(0)
  })

  it('tells the next outage again', async () => {
    const { seen, ask } = setup()
    for (let i = 0; i < 2; i += 1) {
      await ask(OUTAGE)
      await ask(ALLOW)
      clock.tick(1000)
    }
    expect(seen).to.have.length(4)
  })
})

describe('steps by action', () => {
  it('keep players and publishers apart', async () => {
    const authorize = byAction({ play: fakeBackend(ALLOW).authorize, publish: fakeBackend(DENY).authorize })
    expect(await outcome(authorize(requestOf({ action: 'play' }), stays))).to.equal('allow by backend')
    expect(await outcome(authorize(requestOf({ action: 'publish' }), stays))).to.equal('deny by backend')
  })
})
