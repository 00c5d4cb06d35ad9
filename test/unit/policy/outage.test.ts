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

  for (const [message, reason] of [
    ['connection refused', 'connection refused'],
    ['connect ECONNREFUSED 192.0.2.1:6000', 'connect ECONNREFUSED'],
    ['connect ECONNREFUSED ::1:6000', 'connect ECONNREFUSED'],
    ['GET http://backend/?token=hunter2 failed', 'GET failed'],
    ['line\r\nbreak \u202e', 'line??break ?']
  ] as const) {
    it(`tells the client of "${JSON.stringify(message)}" no more than "${reason}"`, async () => {
      const authorize = defaultAction(fakeBackend(new BackendUnavailable(message)).authorize, { defaultAction: 'deny' })
      expect((await authorize(requestOf(), stays)).reason).to.equal(`backend unavailable (${reason}), default action is deny`)
    })
  }

  it('reports each request that met the outage', async () => {
    const onUnavailable = sinon.spy()
    const authorize = defaultAction(fakeBackend(OUTAGE).authorize, { defaultAction: 'allow', onUnavailable })
    const request = requestOf()
    const verdict = await authorize(request, stays)
    sinon.assert.calledOnceWithExactly(onUnavailable, request, verdict, OUTAGE)
  })
})

describe('the breaker', () => {
  const setup = (answer: Error = OUTAGE) => {
    const clock = { now: 0 }
    const seen: string[] = []
    const backend = fakeBackend(answer)
    const hooks = { onOpen: (reason: string) => seen.push(`open: ${reason}`), onClose: () => seen.push('close') }
    const authorize = breaker(backend.authorize, { failures: 3, probeMs: 1000 }, hooks, () => clock.now)
    const ask = async (times = 1): Promise<string> => {
      let last = ''
      for (let i = 0; i < times; i += 1) last = await outcome(authorize(requestOf(), stays))
      return last
    }
    return { clock, seen, backend, ask }
  }

  it('opens after so many outages in a row', async () => {
    const { ask, backend, seen } = setup()
    await ask(2)
    expect(seen).to.deep.equal([])
    expect(await ask(10)).to.equal('BackendUnavailable')
    expect(backend.asked).to.have.length(3)
    expect(seen).to.deep.equal(['open: connection refused'])
  })

  it('lets one request try each probe time', async () => {
    const { ask, backend, clock } = setup()
    await ask(3)
    clock.now = 999
    await ask()
    expect(backend.asked).to.have.length(3)
    clock.now = 1000
    await ask(3)
    expect(backend.asked).to.have.length(4)
    clock.now = 1999
    await ask()
    expect(backend.asked).to.have.length(4)
    clock.now = 2000
    await ask()
    expect(backend.asked).to.have.length(5)
  })

  for (const [what, answer, seen] of [['an allow', ALLOW, 'allow by backend'], ['a denial', DENY, 'deny by backend']] as const) {
    it(`closes with ${what}`, async () => {
      const { ask, backend, clock, seen: events } = setup()
      await ask(3)
      backend.answer = answer
      clock.now = 1000
      expect(await ask()).to.equal(seen)
      expect(await ask(5)).to.equal(seen)
      expect(events.at(-1)).to.equal('close')
      backend.answer = OUTAGE
      await ask(2)
      backend.answer = ALLOW
      expect(await ask()).to.equal('allow by backend')
    })
  }

  for (const [what, answer] of [
    ['denials', DENY], ['overload', OVERLOAD], ['clients that leave', ABORTED], ['bugs', new TypeError('x')]
  ] as const) {
    it(`is not opened by ${what}`, async () => {
      const { ask, backend } = setup()
      backend.answer = answer
      await ask(20)
      expect(backend.asked).to.have.length(20)
    })
  }

  it('counts outages in a row only', async () => {
    const { ask, backend } = setup()
    for (let i = 0; i < 5; i += 1) {
      backend.answer = OUTAGE
      await ask(2)
      backend.answer = DENY
      await ask()
    }
    expect(backend.asked).to.have.length(15)
  })

  it('does not take overload for an answer', async () => {
    const { ask, backend } = setup()
    await ask(2)
    backend.answer = OVERLOAD
    await ask()
    backend.answer = OUTAGE
    await ask(5)
    expect(backend.asked).to.have.length(4)
  })

  it('tries again at once when the client of the probe has left', async () => {
    const { ask, backend, clock } = setup()
    await ask(3)
    clock.now = 1000
    backend.answer = ABORTED
    expect(await ask()).to.equal('AbortError')
    backend.answer = ALLOW
    expect(await ask()).to.equal('allow by backend')
  })

  it('sends one probe at a time', async () => {
    const clock = { now: 0 }
    const { waiting, authorize } = slowBackend()
    const guarded = breaker(authorize, { failures: 1, probeMs: 1000 }, {}, () => clock.now)
    const ask = (): Promise<string> => outcome(guarded(requestOf(), stays))
    const first = ask()
    waiting.shift()?.(OUTAGE)
    await first
    clock.now = 5000
    const probe = ask()
    expect(await Promise.all([ask(), ask()])).to.deep.equal(['BackendUnavailable', 'BackendUnavailable'])
    expect(waiting).to.have.length(1)
    waiting.shift()?.(ALLOW)
    expect(await probe).to.equal('allow by backend')
  })

  it('is not opened by slow requests while others are answered', async () => {
    const { waiting, authorize } = slowBackend()
    const onOpen = sinon.spy()
    const guarded = breaker(authorize, { failures: 3, probeMs: 1000 }, { onOpen }, () => 0)
    const asked = Array.from({ length: 6 }, () => outcome(guarded(requestOf(), stays)))
    waiting.pop()?.(ALLOW)
    await asked.pop()
    for (const answer of waiting) answer(OUTAGE)
    await Promise.all(asked)
    sinon.assert.notCalled(onOpen)
  })

  it('closes when an answer arrives late', async () => {
    const { waiting, authorize } = slowBackend()
    const onClose = sinon.spy()
    const guarded = breaker(authorize, { failures: 1, probeMs: 1000 }, { onClose }, () => 0)
    const asked = [0, 1].map(() => outcome(guarded(requestOf(), stays)))
    waiting[0]?.(OUTAGE)
    await asked[0]
    waiting[1]?.(DENY)
    expect(await asked[1]).to.equal('deny by backend')
    sinon.assert.calledOnce(onClose)
  })

  it('can be switched off', async () => {
    const backend = fakeBackend(OUTAGE)
    const authorize = breaker(backend.authorize, false)
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
    const authorize = watchOutage(backend.authorize, {
      onBegin: (reason) => seen.push(`begin: ${reason}`),
      onEnd: (requests, reason) => seen.push(`end: ${requests}, ${reason}`)
    })
    const ask = async (answer: typeof ALLOW | Error, times = 1): Promise<void> => {
      backend.answer = answer
      for (let i = 0; i < times; i += 1) await outcome(authorize(requestOf(), stays))
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
    for (const answer of [OVERLOAD, ABORTED, new TypeError('x'), deny('malformed', 'x')]) await ask(answer)
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
