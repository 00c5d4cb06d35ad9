import { expect } from 'chai'
import type { Authorize } from '../../../lib/access/authorize.js'
import type { AccessRequest } from '../../../lib/access/request.js'
import { allow, deny, type Verdict } from '../../../lib/access/verdict.js'
import { BackendUnavailable } from '../../../lib/errors.js'
import { requestKey } from '../../../lib/policy/request-key.js'
import type { RecheckSettings } from '../../../lib/sessions/recheck-settings.js'
import { createRechecks, type Rechecks } from '../../../lib/sessions/rechecks.js'
import { createRegistry, type Registry } from '../../../lib/sessions/registry.js'
import type { Session } from '../../../lib/sessions/session.js'

const OK: Verdict = { ...allow('backend', 'yes'), status: 200 }
const said = (status: number, more: Partial<Verdict> = {}): Verdict => ({ ...deny('backend', 'no'), status, ...more })

describe('asking again about a session that runs', function () {
  let registry: Registry
  let rechecks: Rechecks
  let asked: AccessRequest[]
  let answer: Authorize
  let results: string[]
  let now: number
  let tick: (() => void) | undefined
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  /** Lets so many milliseconds pass, and what is asked meanwhile be answered. */
  const pass = async (ms: number): Promise<void> => {
    for (const end = now + ms; now < end; now += 250) {
      tick?.()
      await settled()
    }
    tick?.()
    await settled()
  }
  const use = (settings: Partial<RecheckSettings> = {}): void => {
    registry = createRegistry()
    now = 0
    tick = undefined
    asked = []
    results = []
    answer = () => Promise.resolve(OK)
    rechecks = createRechecks({
      ask: (request, signal) => { asked.push(request); return answer(request, signal) },
      settingsOf: () => ({ recheck: { staleMs: 60_000, early: true, afterOutage: true }, recheckMs: 0, maxConnections: 4, ...settings }),
      requestKey, onResult: (result) => results.push(result), now: () => now, random: () => 0.5,
      every: (run) => { tick = run; return () => { tick = undefined } }
    })
    registry.watch({ begin: rechecks.begin, end: rechecks.end })
  }
  beforeEach(() => use())
  afterEach(() => rechecks.close())
  let ids = 0
  const begin = (verdict: Verdict): Session => {
    const place = registry.reserve({ sessionId: `s${ids++}`, action: 'play', protocol: 'rtmp', ip: 'a', userAgent: '', query: 't=1', streamPath: '/live/s', path: '/live/s', origin: '' }, verdict) as Session
    place.begin({ address: '', inBytes: 0, outBytes: 0, quietMs: () => 0, goneAfterMs: () => Infinity, close: () => undefined })
    return place
  }

  it('happens when the backend\'s time is over, once for each such time, with the same request and a number', async () => {
    answer = () => Promise.resolve({ ...OK, validForMs: 10_000 })
    const session = begin({ ...OK, validForMs: 10_000 })
    await pass(31_000)
    expect(asked.map(({ requestNumber }) => requestNumber)).to.deep.equal([1, 2, 3])
    expect(asked[0]).to.deep.equal({ ...session.request, requestNumber: 1 })
    expect(session.endReason).to.equal(undefined)
  })
  it('is told of beforehand', async () => {
    const session = begin({ ...OK, validForMs: 10_000 })
    const told = (): number | undefined => rechecks.nextAt(session) === undefined ? undefined : Math.round((rechecks.nextAt(session)! - Date.now()) / 1000)
    expect(told()).to.equal(10)
    await pass(4000)
    expect(told()).to.equal(6)
    await pass(6000)
    expect([asked.length, told()], 'the answer gave no time').to.deep.equal([1, undefined])
    expect(rechecks.nextAt(begin(OK))).to.equal(undefined)
  })
  for (const [what, verdict, settings] of [
    ['names no time', OK, {}], ['says 0', { ...OK, validForMs: 0 }, { recheckMs: 1000 }], ['was not asked: a rule', allow('rule', ''), { recheckMs: 1000 }],
    ['is not to be asked', { ...OK, validForMs: 1000 }, { recheck: false }]
  ] as const) {
    it(`never happens where the backend ${what}`, async () => {
      use(settings)
      begin(verdict)
      await pass(15_000)
      expect([asked, rechecks.size]).to.deep.equal([[], 0])
    })
  }
  it('happens by recheckMs where the backend names no time, and what is remembered has its rest', async () => {
    use({ recheckMs: 3000 })
    begin(OK)
    begin({ ...allow('remembered', ''), validForMs: 2000 })
    await pass(3500)
    expect(asked.length).to.equal(2)
  })
  for (const [what, verdict, ends] of [
    ['a 403', said(403), true], ['a redirect', said(302), true], ['a 200 whose body denies', said(200), true], ['a 204', said(204), false], ['a 500', said(500), false], ['a 200 with a fault', said(200, { fault: 'x' }), false],
    ['unanswered', deny('unanswered', ''), false], ['overload', deny('overload', ''), false], ['an outage', undefined, false]
  ] as const) {
    it(`${ends ? 'ends it' : 'keeps it and tries again'} by ${what}`, async () => {
      answer = () => verdict === undefined ? Promise.reject(new BackendUnavailable('down')) : Promise.resolve(verdict)
      const session = begin({ ...OK, validForMs: 1000 })
      await pass(6000)
      expect([session.endReason, results[0]]).to.deep.equal([ends ? 'denied' : undefined, ends ? 'denied' : 'failed'])
      if (ends) return
      answer = () => Promise.resolve({ ...OK, validForMs: 1000 })
      await pass(16_000)
      expect(results).to.include('kept')
    })
  }
  it('ends it as stale when nothing has come of it for staleMs, and the same request is not let in by the same outage', async () => {
    use({ recheck: { staleMs: 25_000, early: true, afterOutage: true } })
    answer = () => Promise.reject(new BackendUnavailable('down'))
    const session = begin({ ...OK, validForMs: 1000 })
    await pass(20_000)
    expect(session.endReason).to.equal(undefined)
    await pass(15_000)
    expect(session.endReason).to.equal('stale')
    const byDefault = allow('default', 'down')
    expect(rechecks.refuse(session.request, byDefault)).to.include({ allowed: false, source: 'default' })
    expect(rechecks.refuse({ ...session.request, query: 'other' }, byDefault)).to.equal(undefined)
    rechecks.outageEnded()
    expect(rechecks.refuse(session.request, byDefault)).to.equal(undefined)
  })
  it('asks about who came in during an outage once it is over', async () => {
    const session = begin(allow('default', 'down'))
    await pass(5000)
    expect(asked).to.deep.equal([])
    answer = () => Promise.resolve(said(403))
    rechecks.outageEnded()
    await pass(70_000)
    expect(session.endReason).to.equal('denied')
  })
  it('asks about few at a time, and nothing is left of who has gone', async () => {
    use({ maxConnections: 8 })
    let most = 0
    let out = 0
    answer = async () => {
      most = Math.max(most, ++out)
      await settled()
      out -= 1
      return OK
    }
    const sessions = Array.from({ length: 20 }, () => begin({ ...OK, validForMs: 1000 }))
    for (const session of sessions.slice(10)) session.end('left')
    expect(rechecks.size).to.equal(10)
    await pass(20_000)
    expect([asked.length, most, rechecks.size]).to.deep.equal([10, 2, 0])
  })
})
