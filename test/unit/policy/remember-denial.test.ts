import { expect } from 'chai'
import { createDenials, rememberDenial } from '../../../lib/policy/remember-denial.js'
import { ALLOW, DENY, fakeBackend, OUTAGE, outcome, OVERLOAD, requestOf, stays, type Answer } from './support.js'

describe('remembering a denial', () => {
  const setup = (rememberDenialMs = 0) => {
    const clock = { now: 0 }
    const backend = fakeBackend(DENY)
    const denials = createDenials(() => clock.now)
    const authorize = rememberDenial(backend.authorize, { rememberDenialMs }, denials)
    return { clock, backend, denials, ask: (change = {}) => outcome(authorize(requestOf(change), stays)) }
  }

  for (const [title, rememberDenialMs, answer, keptMs] of [
    ['not unless somebody says so', 0, DENY, 0],
    ['as long as the backend says', 0, { ...DENY, validForMs: 5000 }, 5000],
    ['as long as the operator says', 2000, DENY, 2000],
    ['as long as the backend says, whatever the operator does', 2000, { ...DENY, validForMs: 1000 }, 1000],
    ['not at all if the backend says zero', 2000, { ...DENY, validForMs: 0 }, 0],
    ['never for more than five minutes', 0, { ...DENY, validForMs: 36_000_000 }, 300_000],
    ...[401, 404, 410].map((status): [string, number, Answer, number] => [`${status}`, 2000, { ...DENY, status }, 2000]),
    ...[200, 204, 301, 302, 400, 402, 429, 500, 502, 503].map((status): [string, number, Answer, number] => [`never ${status}`, 2000, { ...DENY, status, validForMs: 5000 }, 0]),
    ['never what is no answer of the backend', 2000, OVERLOAD, 0],
    ['never an outage', 2000, OUTAGE, 0]
  ] as [string, number, Answer, number][]) {
    it(title, async () => {
      const { ask, backend, clock } = setup(rememberDenialMs)
      backend.answer = answer
      await ask()
      backend.answer = ALLOW
      if (keptMs > 0) {
        clock.now = keptMs - 1
        expect(await ask({ sessionId: 'S2' })).to.equal('deny by remembered')
        clock.now = keptMs
      }
      expect(await ask({ sessionId: 'S3' })).to.equal('allow by backend')
    })
  }

  it('concerns nobody else', async () => {
    const { ask, backend } = setup(1000)
    await ask()
    backend.answer = ALLOW
    for (const change of [{ query: 'token=124' }, { ip: '203.0.113.8' }, { userAgent: 'x' }, { streamPath: '/live/t' }, { action: 'publish' }]) expect(await ask(change)).to.equal('allow by backend')
  })

  it('is bounded, and the oldest go first', async () => {
    const { ask, denials } = setup(100_000)
    for (let guess = 0; guess < 20_100; guess++) await ask({ query: `token=${guess}` })
    expect(denials.size).to.equal(20_000)
  })
})
