import { expect } from 'chai'
import fc from 'fast-check'
import debug from 'debug'
import { maskPath, maskQuery, maskSecrets, printable, visibleJson } from '../../lib/mask.js'
import { trace } from '../../lib/trace.js'

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

  it('is JSON that no terminal obeys, and means the same', () => {
    const text = 'a\u001b[31m\u009b31m\u202eb\u2066c\u2028\ufeffGröße "\\n"'
    const json = visibleJson({ text })
    expect(json).to.match(/^[\n\x20-\x7e\u00a0-\u00ff]*$/)
    expect(JSON.parse(json)).to.deep.equal({ text })
  })

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
    ['/live/s\r\n?\r\nhunter2', '/live/s\\x0d\\x0a?***'],
    ['http://a:hunter2@evil/live/s.flv', 'http://***@evil/live/s.flv']
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
