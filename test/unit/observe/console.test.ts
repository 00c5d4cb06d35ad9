import { expect } from 'chai'
import type { AccessRequest } from '../../../lib/access/request.js'
import type { Settings } from '../../../lib/access/settings.js'
import { allow, deny, type Verdict } from '../../../lib/access/verdict.js'
import { createConsoleLog, type ConsoleLog } from '../../../lib/observe/console.js'
import { LINE_FORMATS } from '../../../lib/observe/line.js'

const request: AccessRequest = {
  sessionId: 'S1', action: 'play', protocol: 'rtmp', ip: '203.0.113.7', path: '/live/s', origin: 'rtmp://x',
  userAgent: 'LNX', query: 'token=hunter2&x=1', streamPath: '/live/s'
}
const byBackend: Verdict = { ...deny('backend', '403 Forbidden'), status: 403, latencyMs: 12.4 }
const faulty: Verdict = { ...deny('backend', 'the backend answered oddly'), status: 200, fault: '200 without X-UserId' }

describe('the console log', () => {
  let lines: string[]
  let later: { run: () => void, ms: number, cancelled: boolean }[]
  let now = 0

  const logAt = (level: Settings['log']): ConsoleLog => {
    lines = []
    later = []
    now = Date.UTC(2026, 0, 1)
    return createConsoleLog(level, {
      write: (line) => lines.push(line), limits: { windowMs: 10_000, perAddress: 3, total: 5 }, now: () => now,
      runLater: (run, ms) => {
        const timer = { run, ms, cancelled: false }
        later.push(timer)
        return () => { timer.cancelled = true }
      }
    })
  }
  const START = '2026-01-01T00:00:00.000Z'

  it('writes a verdict as one line with its reason', () => {
    logAt('denials').verdict(request, byBackend)
    expect(lines).to.deep.equal([
      `${START} info [http-auth] denied play /live/s protocol=rtmp ip=203.0.113.7 session=S1 source=backend reason="403 Forbidden" backendMs=12 query="token=***&x=***"`
    ])
  })

  it('writes the same as JSON with the field names and numbers of pino', () => {
    lines = []
    createConsoleLog('denials', { write: (line) => lines.push(line), format: LINE_FORMATS.json, now: () => 5 }).verdict({ ...request, streamPath: '/live/"\n' }, byBackend)
    expect(lines.map((line) => JSON.parse(line) as unknown)).to.deep.equal([{
      level: 30, time: 5, name: 'http-auth', protocol: 'rtmp', ip: '203.0.113.7', session: 'S1', source: 'backend', reason: '403 Forbidden', backendMs: 12,
      query: 'token=***&x=***', msg: 'denied play /live/"\\x0a'
    }])
  })

  it('shows who is let in by a dry run alone as it shows a denial', () => {
    logAt('denials').verdict(request, { ...byBackend, allowed: true, source: 'dry-run', reason: 'dry run, would be denied: 403 Forbidden', would: byBackend })
    expect(lines).to.have.lengthOf(1)
    expect(lines[0]).to.include('allowed play /live/s').and.include('source=dry-run reason="dry run, would be denied: 403 Forbidden"')
  })

  const actions: Record<string, (log: ConsoleLog) => void> = {
    'an allow': (log) => log.verdict(request, allow('backend', '200 OK')),
    'a denial': (log) => log.verdict(request, byBackend),
    overload: (log) => log.verdict(request, deny('overload', 'too many clients')),
    'the begin of an outage': (log) => log.outage({ state: 'begin', reason: 'refused', requests: 1 }),
    'the end of an outage': (log) => log.outage({ state: 'end', reason: 'refused', requests: 2 }),
    'a cut': (log) => log.cut('203.0.113.7', 'timeout'),
    'a hint': (log) => log.hint('look here'),
    'an error': (log) => log.error('gate', new Error('bug')),
    'the banner': (log) => log.banner(['one line'])
  }
  const shown: Record<Settings['log'], string[]> = {
    none: ['the banner'],
    outages: ['the begin of an outage', 'the end of an outage', 'a hint', 'an error', 'the banner'],
    denials: Object.keys(actions).filter((name) => name !== 'an allow'),
    verdicts: Object.keys(actions)
  }
  for (const [level, names] of Object.entries(shown) as [Settings['log'], string[]][]) {
    for (const [name, act] of Object.entries(actions)) {
      it(`at "${level}" ${names.includes(name) ? 'shows' : 'does not show'} ${name}`, () => {
        act(logAt(level))
        expect(lines).to.have.length(names.includes(name) ? 1 : 0)
      })
    }
  }

  for (const [level, shows] of Object.entries({ none: [], outages: ['fault'], denials: ['fault', 'denied'], verdicts: ['fault', 'denied'] })) {
    it(`at "${level}" shows ${shows.join(' and ') || 'nothing'} of a denial that is a fault of the backend`, () => {
      logAt(level as Settings['log']).verdict(request, faulty)
      expect(lines.map((line) => line.split(' ')[3])).to.deep.equal(shows)
      if (shows.length > 0) expect(lines[0]).to.equal(`${START} warn [http-auth] fault of the backend: 200 without X-UserId`)
    })
  }

  it('escapes what a client could write into a line', () => {
    logAt('denials').verdict({ ...request, streamPath: '/live/s\n[http-auth] allowed', ip: 'x\u001b' }, deny('malformed', 'a\r\nb'))
    expect(lines[0]).to.not.match(/[\n\r\u001b]/)
    expect(lines).to.have.length(1)
  })

  it('names an error, its place, and no token', () => {
    logAt('outages').error('gate', new Error('cannot GET /?token=hunter2'))
    expect(lines[0]).to.match(/error: gate: Error: cannot GET \/\?token=\*\*\* \(at .+\)$/)
  })

  it('takes what is thrown and is no error', () => {
    logAt('outages').error('listener', 'token=hunter2')
    expect(lines).to.deep.equal([`${START} error [http-auth] error: listener: token=***`])
  })

  it('sums up a flood from one address in one line with a count', () => {
    const log = logAt('denials')
    for (let i = 0; i < 5000; i += 1) log.verdict(request, byBackend)
    expect(lines).to.have.length(3)
    later[0]?.run()
    expect(lines.slice(3)).to.deep.equal([`${START} info [http-auth] 4997 more denied by backend: 403 Forbidden ip=203.0.113.7 seconds=10`])
  })

  it('sums up malformed requests of one address together, whatever they hold', () => {
    const log = logAt('denials')
    for (let i = 0; i < 5000; i += 1) log.verdict(request, deny('malformed', `reason ${i % 100}`))
    later[0]?.run()
    expect(lines).to.have.length(4)
    expect(lines[3]).to.include('4997 more denied by malformed ip=203.0.113.7')
  })

  it('shows everybody who is refused for the first time, whatever others do', () => {
    const log = logAt('denials')
    for (let i = 0; i < 1000; i += 1) log.verdict({ ...request, ip: '198.51.100.1' }, deny('backend', `reason ${i}`))
    for (let i = 0; i < 71; i += 1) log.verdict({ ...request, ip: `10.0.0.${i}` }, byBackend)
    for (let i = 0; i < 71; i += 1) expect(lines.filter((line) => line.includes(`ip=10.0.0.${i} `)), `10.0.0.${i}`).to.have.length(1)
  })

  it('still shows another address while one floods', () => {
    const log = logAt('denials')
    for (let i = 0; i < 100; i += 1) log.verdict(request, byBackend)
    log.verdict({ ...request, ip: '198.51.100.1' }, byBackend)
    expect(lines).to.have.length(4)
    expect(lines[3]).to.include('198.51.100.1')
  })

  it('shows single lines again once the flood is over', () => {
    const log = logAt('denials')
    for (let i = 0; i < 10; i += 1) log.verdict(request, byBackend)
    later[0]?.run()
    log.verdict(request, byBackend)
    expect(lines).to.have.length(5)
    later[1]?.run()
    expect(lines).to.have.length(5)
  })

  it('sums up faults, which a client may provoke', () => {
    const log = logAt('outages')
    for (let i = 0; i < 10; i += 1) log.verdict(request, faulty)
    log.close()
    expect(lines).to.have.length(4)
    expect(lines[3]).to.equal(`${START} info [http-auth] 7 more fault of the backend: 200 without X-UserId seconds=10`)
  })

  it('never holds back who is allowed', () => {
    const log = logAt('verdicts')
    for (let i = 0; i < 20; i += 1) log.verdict(request, allow('backend', '200 OK'))
    expect(lines).to.have.length(20)
  })

  it('sums up who is let in by the default action', () => {
    const log = logAt('verdicts')
    for (let i = 0; i < 20; i += 1) log.verdict(request, allow('default', 'backend unavailable'))
    log.close()
    expect(lines).to.have.length(4)
  })

  it('says each minute that an outage lasts, and at its end how long it was and who met it', () => {
    const log = logAt('outages')
    log.outage({ state: 'begin', reason: 'connection refused', requests: 1 })
    const minute = later[0]!
    expect(minute.ms).to.equal(60_000)
    log.verdict(request, deny('default', 'backend unavailable'))
    now += 60_000
    minute.run()
    for (const source of ['default', 'last-verdict'] as const) log.verdict(request, allow(source, 'backend unavailable'))
    log.verdict(request, byBackend)
    now += 1500
    log.outage({ state: 'end', reason: 'connection refused', requests: 3 })
    expect(lines).to.deep.equal([
      `${START} error [http-auth] backend unavailable: connection refused`,
      '2026-01-01T00:01:00.000Z error [http-auth] backend still unavailable: connection refused seconds=60 letIn=0 refused=1',
      '2026-01-01T00:01:01.500Z info [http-auth] backend answers again, 3 requests met the outage seconds=61.5 letIn=2 refused=1'
    ])
    expect(later.filter(({ cancelled }) => !cancelled)).to.deep.equal([minute])
  })

  it('gives a hint once', () => {
    const log = logAt('outages')
    for (const text of ['one', 'two', 'one']) log.hint(text)
    expect(lines.map((line) => line.split('] ')[1])).to.deep.equal(['one', 'two'])
  })

  it('has no timer while there is no outage', () => {
    const log = logAt('outages')
    log.outage({ state: 'begin', reason: 'connection refused', requests: 1 })
    log.close()
    expect(later.filter(({ cancelled }) => !cancelled)).to.deep.equal([])
  })
})
