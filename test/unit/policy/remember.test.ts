import { expect } from 'chai'
import { createAllows } from '../../../lib/policy/allows.js'
import { createMemory } from '../../../lib/policy/memory.js'
import { lastVerdict } from '../../../lib/policy/last-verdict.js'
import { remember } from '../../../lib/policy/remember.js'
import { allow } from '../../../lib/access/verdict.js'
import { ALLOW, DENY, fakeBackend, OUTAGE, outcome, OVERLOAD, requestOf, stays } from './support.js'

describe('remembering an allow', () => {
  const setup = (rememberMs = 0) => {
    const clock = { now: 0 }
    const backend = fakeBackend()
    const authorize = remember(backend.authorize, { rememberMs }, createAllows(undefined, createMemory(() => clock.now)))
    return { clock, backend, ask: (change = {}) => outcome(authorize(requestOf(change), stays)), authorize }
  }

  it('asks each time unless the backend or the operator says otherwise', async () => {
    const { ask, backend } = setup()
    expect([await ask(), await ask()]).to.deep.equal(['allow by backend', 'allow by backend'])
    expect(backend.asked).to.have.length(2)
  })

  it('lasts as long as the backend says', async () => {
    const { ask, backend, clock } = setup()
    backend.answer = { ...ALLOW, validForMs: 36_000_000 }
    expect(await ask()).to.equal('allow by backend')
    backend.answer = DENY
    clock.now = 35_999_999
    expect(await ask({ sessionId: 'S2', protocol: 'rtmps' })).to.equal('allow by remembered')
    clock.now = 36_000_000
    expect(await ask()).to.equal('deny by backend')
  })

  it('lasts rememberMs when the backend says nothing', async () => {
    const { ask, clock } = setup(1000)
    expect(await ask()).to.equal('allow by backend')
    clock.now = 999
    expect(await ask()).to.equal('allow by remembered')
    clock.now = 1000
    expect(await ask()).to.equal('allow by backend')
  })

  it('obeys a backend that says zero', async () => {
    const { ask, backend } = setup(1000)
    backend.answer = { ...ALLOW, validForMs: 0 }
    expect([await ask(), await ask()]).to.deep.equal(['allow by backend', 'allow by backend'])
  })

  it('is not prolonged by being used', async () => {
    const { ask, clock } = setup(1000)
    await ask()
    clock.now = 999
    await ask()
    clock.now = 1001
    expect(await ask()).to.equal('allow by backend')
  })

  it('is good for nobody else', async () => {
    const { ask, backend } = setup(1000)
    await ask()
    backend.answer = DENY
    expect(await ask({ ip: '203.0.113.8' })).to.equal('deny by backend')
    expect(await ask({ action: 'publish' })).to.equal('deny by backend')
  })

  for (const [what, answer] of [
    ['a denial', DENY], ['a denial with a time', { ...DENY, validForMs: 1000 }], ['overload', OVERLOAD],
    ['the default action', allow('default', 'backend unavailable')], ['an outage', OUTAGE]
  ] as const) {
    it(`does not keep ${what}`, async () => {
      const { ask, backend } = setup(1000)
      backend.answer = answer
      const first = await ask()
      expect(await ask()).to.equal(first)
      expect(backend.asked).to.have.length(2)
    })
  }

  it('keeps who the viewer is, and no latency that nobody waited for', async () => {
    const { authorize, backend } = setup(1000)
    backend.answer = { ...ALLOW, userId: '42' }
    await authorize(requestOf(), stays)
    expect(await authorize(requestOf(), stays)).to.deep.equal({
      allowed: true, source: 'remembered', reason: 'allowed by the backend before', status: 200, userId: '42'
    })
  })
})

describe('the last verdict during an outage', () => {
  const setup = (lastVerdictMs = 1000) => {
    const clock = { now: 0 }
    const backend = fakeBackend()
    const authorize = lastVerdict(backend.authorize, { lastVerdictMs }, createAllows(undefined, createMemory(() => clock.now)))
    return { clock, backend, ask: (change = {}) => outcome(authorize(requestOf(change), stays)) }
  }

  it('is off by default', async () => {
    const { ask, backend } = setup(0)
    await ask()
    backend.answer = OUTAGE
    expect(await ask()).to.equal('BackendUnavailable')
  })

  it('lets in again who was allowed, within its time', async () => {
    const { ask, backend, clock } = setup()
    await ask()
    backend.answer = OUTAGE
    clock.now = 999
    expect(await ask({ sessionId: 'S2' })).to.equal('allow by last-verdict')
    clock.now = 1000
    expect(await ask()).to.equal('BackendUnavailable')
  })

  it('asks the backend first', async () => {
    const { ask, backend } = setup()
    await ask()
    backend.answer = DENY
    expect(await ask()).to.equal('deny by backend')
  })

  it('ends with a denial', async () => {
    const { ask, backend } = setup()
    await ask()
    backend.answer = DENY
    await ask()
    backend.answer = OUTAGE
    expect(await ask()).to.equal('BackendUnavailable')
  })

  it('is good for nobody else', async () => {
    const { ask, backend } = setup()
    await ask()
    backend.answer = OUTAGE
    expect(await ask({ query: 'token=124' })).to.equal('BackendUnavailable')
  })

  it('does not hide a bug', async () => {
    const { ask, backend } = setup()
    await ask()
    backend.answer = new TypeError('bug')
    expect(await ask()).to.equal('TypeError')
  })

  it('is not prolonged by the outage', async () => {
    const { ask, backend, clock } = setup()
    await ask()
    backend.answer = OUTAGE
    clock.now = 900
    await ask()
    clock.now = 1100
    expect(await ask()).to.equal('BackendUnavailable')
  })
})
