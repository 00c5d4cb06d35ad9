import { expect } from 'chai'
import fc from 'fast-check'
import type { AccessRequest } from '../../lib/access/request.js'
import type { Settings } from '../../lib/access/settings.js'
import { allow, deny, type Verdict } from '../../lib/access/verdict.js'
import { createConsoleLog, type ConsoleLog } from '../../lib/observe/console.js'
import debug from 'debug'
import { maskPath, maskQuery, maskSecrets, printable } from '../../lib/mask.js'
import { trace } from '../../lib/trace.js'

const request: AccessRequest = {
  sessionId: 'S1', action: 'play', protocol: 'rtmp', ip: '203.0.113.7', path: '/live/s', origin: 'rtmp://x',
  userAgent: 'LNX', query: 'token=hunter2&x=1', streamPath: '/live/s'
}
const byBackend: Verdict = { ...deny('backend', '403 Forbidden'), status: 403, latencyMs: 12.4 }
const faulty: Verdict = { ...deny('backend', 'the backend answered oddly'), status: 200, fault: '200 without X-UserId' }

describe('text for the log', () => {
  for (const [given, seen] of [
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['a\u2028b\u202ec', 'a\\u2028b\\u202ec'],
    ['a\\x0ab', 'a\\\\x0ab'],
    ['Größe', 'Größe']
  ] as const) {
    it(`cannot forge a line: ${JSON.stringify(given)}`, () => {
      expect(printable(given)).to.equal(seen)
    })
  }

  for (const [query, seen] of [
    ['', ''],
    ['token=hunter2', 'token=***'],
    ['token=hunter2&x=1', 'token=***&x=***'],
    ['token=hunter2;x=1', 'token=***;x=***'],
    ['token=a=b', 'token=***'],
    ['hunter2', '***'],
    ['aHVudGVyMg==', '***'],
    ['aHVudGVyMg=', '***'],
    ['=hunter2', '***'],
    ['&&', '&&'],
    ['a[b]=hunter2', 'a[b]=***'],
    [`${'hunter2'.repeat(20)}=1`, '***'],
    ['token=a\nb=hunter2', 'token=***'],
    ['to\nken=hunter2', 'to\\x0aken=***']
  ] as const) {
    it(`masks the query ${JSON.stringify(query)}`, () => {
      expect(maskQuery(query)).to.equal(seen)
    })
  }

  it('masks every value, whatever stands around it', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/)
    fc.assert(fc.property(fc.array(fc.tuple(name, fc.constantFrom('&', ';')), { minLength: 1, maxLength: 9 }), (parts) => {
      expect(maskQuery(parts.map(([key, cut]) => `${key}=SECRET${cut}`).join(''))).to.not.include('SECRET')
    }))
  })

  for (const [path, seen] of [
    ['/live/s.flv', '/live/s.flv'],
    ['/live?token=hunter2/s', '/live?***'],
    ['/live/s.flv;token=hunter2', '/live/s.flv;***'],
    ['/live/s.flv%3Ftoken=hunter2', '/live/s.flv%3F***'],
    ['/live/s.flv%253ftoken', '/live/s.flv%253f***'],
    ['/live/s#hunter2', '/live/s#***'],
    ['/token=hunter2/s', '/token=***'],
    ['/live/s?', '/live/s?'],
    ['/live/s\r\n?\r\nhunter2', '/live/s\\x0d\\x0a?***']
  ] as const) {
    it(`masks what a malformed path hides: ${JSON.stringify(path)}`, () => {
      expect(maskPath(path)).to.equal(seen)
    })
  }

  it('masks texts and errors for whoever follows a session with DEBUG', () => {
    const lines: unknown[][] = []
    const { log } = debug
    debug.log = (...line: unknown[]) => { lines.push(line) }
    const before = debug.disable()
    try {
      trace('gate')('%s', '/live?token=hunter2')
      debug.enable('nms-http-auth:gate')
      const show = trace('gate')
      expect(show.enabled).to.equal(true)
      show('session %s failed on %s: %s', 'S1', '/live?token=hunter2\r\nforged', Object.assign(new TypeError('Invalid URL'), { input: 'rtmp://x?token=hunter2' }))
    } finally {
      debug.enable(before)
      debug.log = log
    }
    const text = lines.flat().map(String).join(' ')
    expect(lines).to.have.length(1)
    expect(text).to.include('Invalid URL').and.not.include('hunter2').and.not.include('\r')
  })

  it('cuts a query of megabytes', () => {
    expect(maskQuery('&=;'.repeat(1_000_000)).length).to.be.below(1000)
    expect(maskSecrets('?'.repeat(1_000_000)).length).to.be.below(1000)
  })

  for (const [given, seen] of [
    ['GET http://b/auth?token=hunter2&a=1 failed', 'GET http://b/auth?token=***&a=*** failed'],
    ['connect http://user:hunter2@b/', 'connect http://***@b/'],
    ['sent Authorization: Bearer hunter2', 'sent Authorization: ***'],
    ['sent Basic aHVudGVyMg==', 'sent Basic ***'],
    ['bad token=hunter2, gone', 'bad token=***, gone'],
    ['{"token":"hunter2"}', '{"token":***"}'],
    ['403 Forbidden', '403 Forbidden']
  ] as const) {
    it(`hides secrets in ${given}`, () => {
      expect(maskSecrets(given)).to.satisfy((text: string) => !text.includes('hunter2') && !text.includes('aHVu'))
      expect(maskSecrets(given).startsWith(seen.slice(0, seen.indexOf('***')))).to.equal(true)
    })
  }
})

describe('the console log', () => {
  let lines: string[]
  let later: (() => void)[]

  const logAt = (level: Settings['log']): ConsoleLog => {
    lines = []
    later = []
    return createConsoleLog(level, (line) => lines.push(line), { windowMs: 10_000, perAddress: 3, total: 5 }, (run) => later.push(run))
  }

  it('writes a verdict as one line with its reason', () => {
    logAt('denials').verdict(request, byBackend)
    expect(lines).to.deep.equal([
      '[http-auth] denied play /live/s rtmp 203.0.113.7 session=S1 by backend: 403 Forbidden (12 ms) query token=***&x=***'
    ])
  })

  const actions: Record<string, (log: ConsoleLog) => void> = {
    'an allow': (log) => log.verdict(request, allow('backend', '200 OK')),
    'a denial': (log) => log.verdict(request, byBackend),
    overload: (log) => log.verdict(request, deny('overload', 'too many clients')),
    'the begin of an outage': (log) => log.outageBegins('refused'),
    'the end of an outage': (log) => log.outageEnds(2),
    'an error': (log) => log.error('gate', new Error('bug')),
    'the banner': (log) => log.banner(['one line'])
  }
  const shown: Record<Settings['log'], string[]> = {
    none: ['the banner'],
    outages: ['the begin of an outage', 'the end of an outage', 'an error', 'the banner'],
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
      expect(lines.map((line) => line.split(' ')[1])).to.deep.equal(shows)
      if (shows.length > 0) expect(lines[0]).to.equal('[http-auth] fault of the backend: 200 without X-UserId')
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
    expect(lines).to.deep.equal(['[http-auth] error: listener: token=***'])
  })

  it('sums up a flood from one address in one line with a count', () => {
    const log = logAt('denials')
    for (let i = 0; i < 5000; i += 1) log.verdict(request, byBackend)
    expect(lines).to.have.length(3)
    later[0]?.()
    expect(lines.slice(3)).to.deep.equal([
      '[http-auth] 4997 more within 10 s from 203.0.113.7: 4997 denied by backend: 403 Forbidden'
    ])
  })

  it('sums up a flood from many addresses and for many reasons in one line', () => {
    const log = logAt('denials')
    for (let i = 0; i < 5000; i += 1) {
      log.verdict({ ...request, ip: `10.0.${i >> 8}.${i & 255}` }, deny('malformed', `reason ${i % 100}`))
    }
    expect(lines).to.have.length(5)
    later[0]?.()
    expect(lines).to.have.length(6)
    expect(lines[5]).to.match(/^\[http-auth\] 4995 more within 10 s from 1000 or more addresses: .*for other reasons$/)
    expect(lines[5]?.length).to.be.below(1000)
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
    later[0]?.()
    log.verdict(request, byBackend)
    expect(lines).to.have.length(5)
    later[1]?.()
    expect(lines).to.have.length(5)
  })

  it('sums up faults, which a client may provoke', () => {
    const log = logAt('outages')
    for (let i = 0; i < 10; i += 1) log.verdict(request, faulty)
    log.close()
    expect(lines).to.have.length(4)
    expect(lines[3]).to.equal('[http-auth] 7 more within 10 s: 7 fault of the backend: 200 without X-UserId')
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

  it('counts the requests of an outage', () => {
    const log = logAt('outages')
    log.outageBegins('connection refused')
    log.outageEnds(1)
    log.outageEnds(1000)
    expect(lines).to.deep.equal([
      '[http-auth] backend unavailable: connection refused',
      '[http-auth] backend answers again, 1 request met the outage',
      '[http-auth] backend answers again, 1000 requests met the outage'
    ])
  })
})
