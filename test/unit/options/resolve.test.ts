import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { expect } from 'chai'
import type { BackendSettings, Settings } from '../../../lib/access/settings.js'
import { HttpAuthError } from '../../../lib/errors.js'
import { DEFAULTS } from '../../../lib/options/defaults.js'
import { resolve } from '../../../lib/options/resolve.js'
import { SCHEMA } from '../../../lib/options/schema.js'
import { certificatePath } from '../../support/certificates.js'

const URL = 'http://127.0.0.1:6000'
const mistakesOf = (options: unknown, baseDir?: string): string => {
  try {
    resolve(options, baseDir)
    return 'none'
  } catch (error) {
    if (error instanceof HttpAuthError && error.code === 'ERR_OPTIONS') return error.message
    throw error
  }
}
const publishersOf = (options: unknown): BackendSettings => {
  const { publish } = resolve(options)
  if ('refuse' in publish) throw new Error(publish.refuse)
  return publish
}

describe('options', () => {
  describe('have these values unless they are set', () => {
    const settings = resolve({ url: URL })
    const expected: Settings = {
      contract: 'custom backend',
      actions: ['play', 'publish'],
      play: {
        urls: [`${URL}/`], strategy: 'failover', defaultAction: 'deny', timeoutMs: 3000, maxConnections: 256, headers: {}, params: {},
        unavailableStatuses: [], tls: { rejectUnauthorized: true }, requireHeader: null, denyBody: false, rememberMs: 0, rememberDenialMs: 0, redirects: false, lastVerdictMs: 0, recheck: { staleMs: 3_600_000, early: true, afterOutage: true }, recheckMs: 0,
        probe: { path: '/probe/probe', query: '' }, breaker: { failures: 10, probeMs: 2000 }
      },
      publish: settings.play,
      rules: [], trustProxy: [], proxyProtocol: [], maxHeld: 4000, maxHeldPerIp: 200, commandTimeoutMs: 10_000, hlsIdleMs: 32_000, maxSessions: 100_000,
      maxSessionsPerIp: 1000,
      files: {
        open: ['.html', '.css', '.js', '.mjs', '.map', '.json', '.svg', '.png', '.jpg', '.jpeg', '.gif', '.webp', '.ico', '.woff', '.woff2', '.txt'],
        stream: '{app}/{stream}', maxPlaylistBytes: 4_194_304, identity: ['query', 'address', 'userAgent'], ownOrigins: [], vodIdleMs: 600_000
      },
      cors: { origins: ['*'], credentials: false },
      limits: { perUser: 0, whenFull: 'endOldest', barMs: 20_000, userParams: [], ignoreUsers: [] },
      log: 'denials', logFormat: 'text', dryRun: [], drainMs: 0
    }
    for (const key of Object.keys(expected) as (keyof Settings)[]) {
      it(key, () => { expect(settings[key]).to.deep.equal(expected[key]) })
    }
    it('and no others', () => { expect(settings).to.have.all.keys(Object.keys(expected)) })
  })

  describe('are taken as they are set', () => {
    const backend = {
      strategy: 'any', defaultAction: 'allow', timeoutMs: 1, maxConnections: 1, headers: { Authorization: 'Bearer x' }, params: { a: '{app}{stream}{path}{ip}{action}{protocol}{sessionId}' },
      unavailableStatuses: [502, 100, 599], requireHeader: 'X-UserId', denyBody: true, rememberMs: 2_147_483_647, rememberDenialMs: 300_000, redirects: true, lastVerdictMs: 5,
      probe: { path: '/p', query: 'token=probe&x=%20' }, breaker: { failures: 1, probeMs: 7 }
    }
    for (const [key, value] of Object.entries(backend)) {
      it(key, () => { expect(resolve({ url: URL, [key]: value }).play).to.deep.include({ [key]: value }) })
      it(`${key}, for publishers alone`, () => {
        const settings = resolve({ url: URL, publish: { [key]: value } })
        expect(settings.publish).to.deep.equal({ ...resolve({ url: URL }).play, recheck: false, [key]: value })
        expect(settings.play).to.deep.equal(resolve({ url: URL }).play)
      })
    }
    const others = {
      actions: ['publish'], trustProxy: ['10.0.0.0/8', '2001:db8::/32', '::1'], maxHeld: 0, maxHeldPerIp: 0, commandTimeoutMs: 0, hlsIdleMs: 1, maxSessions: 1,
      maxSessionsPerIp: 1, log: 'none', logFormat: 'json', dryRun: ['publish'], drainMs: 5
    }
    for (const [key, value] of Object.entries(others)) {
      it(key, () => { expect(resolve({ url: URL, [key]: value })).to.deep.include({ [key]: value }) })
    }
    it('proxyProtocol, on every server or some', () => {
      const proxyProtocolOf = (proxyProtocol: boolean | ('rtmp' | 'https')[]) => resolve({ url: URL, trustProxy: ['::1'], proxyProtocol }).proxyProtocol
      expect(proxyProtocolOf(true)).to.deep.equal(['rtmp', 'rtmps', 'http', 'https'])
      expect(proxyProtocolOf(['rtmp', 'https'])).to.deep.equal(['rtmp', 'https'])
      expect(proxyProtocolOf(false)).to.deep.equal([])
    })
    it('a part of breaker leaves the rest', () => {
      expect(resolve({ url: URL, breaker: { failures: 2 } }).play.breaker).to.deep.equal({ failures: 2, probeMs: 2000 })
      expect(resolve({ url: URL, breaker: false }).play.breaker).to.equal(false)
    })
    it('a part of probe leaves the rest', () => {
      expect(resolve({ url: URL, probe: { query: 'token=probe' } }).play.probe).to.deep.equal({ path: '/probe/probe', query: 'token=probe' })
    })
    it('a part of files leaves the rest, and extensions may be written in any way', () => {
      expect(resolve({ url: URL, files: { open: ['HTML', '.Js'] } }).files).to.deep.equal({ open: ['.html', '.js'], stream: '{app}/{stream}', maxPlaylistBytes: 4_194_304, identity: ['query', 'address', 'userAgent'], ownOrigins: [], vodIdleMs: 600_000 })
      expect(resolve({ url: URL, files: { open: [] } }).files.open).to.deep.equal([])
    })
    it('origins as browsers write them', () => {
      const origins = ['https://TV.example.com:443', 'http://[2001:DB8::1]:8080']
      const normal = ['https://tv.example.com', 'http://[2001:db8::1]:8080']
      expect(resolve({ url: URL, cors: { origins, credentials: true } }).cors).to.deep.equal({ origins: normal, credentials: true })
      expect(resolve({ url: URL, cors: { origins: ['*', ...origins] } }).cors).to.deep.equal({ origins: ['*'], credentials: false })
      expect(resolve({ url: URL, files: { ownOrigins: origins } }).files.ownOrigins).to.deep.equal(normal)
    })
    it('a rule tells how it was written', () => {
      expect(resolve({ url: URL, rules: [{ protocol: 'hls', verdict: 'pass', ip: '10.0.0.0/8', path: '/a/*', for: 'play' }, { verdict: 'deny' }] }).rules).to.deep.equal([
        { protocol: 'hls', verdict: 'pass', ip: '10.0.0.0/8', path: '/a/*', for: 'play', text: 'rules[0]: pass for play ip 10.0.0.0/8 path /a/* protocol hls' },
        { verdict: 'deny', text: 'rules[1]: deny' }
      ])
    })
    it('several URLs, with path and query', () => {
      expect(resolve({ url: ['https://a/x?y=1', 'http://b'] }).play.urls).to.deep.equal(['https://a/x?y=1', 'http://b/'])
    })
  })

  describe('that are null or undefined', () => {
    it('null turns a required header off, also one that publishers would inherit', () => {
      expect(resolve({ url: URL, requireHeader: null }).play.requireHeader).to.equal(null)
      expect(publishersOf({ url: URL, requireHeader: 'X-A', publish: { requireHeader: null } }).requireHeader).to.equal(null)
    })
    it('null takes a parameter away', () => {
      expect(resolve({ url: URL, params: { a: null, b: '1' } }).play.params).to.deep.equal({ b: '1' })
    })
    it('undefined is as if it were not there, at every depth', () => {
      const given = { url: URL, timeoutMs: undefined, publish: undefined, rules: [{ verdict: 'allow', ip: undefined }], breaker: { failures: undefined }, nothing: undefined }
      expect(resolve(given)).to.deep.equal(resolve({ url: URL, rules: [{ verdict: 'allow' }] }))
    })
  })

  describe('for publishers', () => {
    it('are the players\' own without a section, the connections included', () => {
      const settings = resolve({ url: URL })
      expect(settings.publish).to.equal(settings.play)
    })
    it('each replace the one above as a whole', () => {
      const publish = publishersOf({
        url: URL, headers: { A: '1' }, params: { a: '1' }, breaker: { failures: 3, probeMs: 4 }, timeoutMs: 9,
        publish: { url: 'http://b/x', headers: { B: '2' }, params: { b: '2' }, breaker: { probeMs: 5 } }
      })
      expect(publish).to.deep.include({
        urls: ['http://b/x'], headers: { B: '2' }, params: { b: '2' }, breaker: { failures: 10, probeMs: 5 }, timeoutMs: 9
      })
    })
    it('make no sense if publishers are not asked for', () => {
      expect(mistakesOf({ url: URL, actions: ['play'], publish: { timeoutMs: 1 } })).to.equal(
        'httpAuth.publish: is set, but httpAuth.actions does not contain "publish", so publishers would not be checked')
    })
  })

  describe('that are wrong', () => {
    const mistakes: readonly (readonly [options: unknown, message: string | RegExp])[] = [
      [undefined, 'httpAuth: must be an object, got nothing'],
      [null, 'httpAuth: must be an object, got null'],
      [true, 'httpAuth: must be an object, got true'],
      [[], 'httpAuth: must be an object, got a list'],
      ['http://x', 'httpAuth: must be an object, got a string that is not shown here'],
      [{ url: () => 1 }, 'httpAuth: must be plain JSON, without functions'],
      [{}, 'httpAuth.url: is required'],
      [{ url: [] }, 'httpAuth.url: must not be empty, got a list'],
      [{ url: [URL, URL] }, 'httpAuth.url: must not contain duplicates, got a list'],
      [{ url: 7 }, 'httpAuth.url: must be a string or a list, got 7'],
      [{ url: 'backend' }, 'httpAuth.url: must be a URL such as http://127.0.0.1:6000, got "backend"'],
      [{ url: [URL, 'backend'] }, 'httpAuth.url[1]: must be a URL such as http://127.0.0.1:6000, got "backend"'],
      [{ url: 'ftp://x' }, 'httpAuth.url: must begin with http:// or https://, got a string that is not shown here'],
      [{ url: 'http://a:b@x' }, /^httpAuth\.url: must not carry a name and password; .*, got a string that is not shown here$/],
      [{ url: 'http://x/#y' }, /^httpAuth\.url: must not have a fragment .*, got a string that is not shown here$/],
      [{ url: URL, strategy: 'all' }, 'httpAuth.strategy: must be "failover" or "any", got "all"'],
      [{ url: URL, defaultAction: 'Deny' }, 'httpAuth.defaultAction: must be "allow" or "deny", got "Deny"'],
      [{ url: URL, timeoutMs: 0 }, 'httpAuth.timeoutMs: must be at least 1, got 0'],
      [{ url: URL, timeoutMs: 2_147_483_648 }, 'httpAuth.timeoutMs: must be at most 2147483647, got 2147483648'],
      [{ url: URL, timeoutMs: '3000' }, 'httpAuth.timeoutMs: must be a whole number, got "3000"'],
      [{ url: URL, timeoutMs: 1.5 }, 'httpAuth.timeoutMs: must be a whole number, got 1.5'],
      [{ url: URL, timeoutMs: NaN }, 'httpAuth.timeoutMs: must be a whole number, got NaN'],
      [{ url: URL, maxHeld: -1 }, 'httpAuth.maxHeld: must be at least 0, got -1'],
      [{ url: URL, denyBody: 1 }, 'httpAuth.denyBody: must be true or false, got 1'],
      [{ url: URL, actions: [] }, 'httpAuth.actions: must not be empty, got a list'],
      [{ url: URL, actions: ['play', 'play'] }, 'httpAuth.actions: must not contain duplicates, got a list'],
      [{ url: URL, actions: ['watch'] }, 'httpAuth.actions[0]: must be "play" or "publish", got "watch"'],
      [{ url: URL, probe: { path: 'probe' } }, 'httpAuth.probe.path: must begin with / and be printable ASCII without ? and #, of at most 255 characters, got a string that is not shown here'],
      [{ url: URL, probe: { query: 'token=a b' } }, 'httpAuth.probe.query: must be printable ASCII without spaces and #, of at most 1024 characters, such as token=probe, got a string that is not shown here'],
      [{ url: URL, breaker: true }, 'httpAuth.breaker: must be an object or false, got true'],
      [{ url: URL, breaker: { failures: 0 } }, 'httpAuth.breaker.failures: must be at least 1, got 0'],
      [{ url: URL, unavailableStatuses: [200] }, 'httpAuth.unavailableStatuses[0]: must not be 200, got 200'],
      [{ url: URL, unavailableStatuses: [600] }, 'httpAuth.unavailableStatuses[0]: must be at most 599, got 600'],
      [{ url: URL, requireHeader: 'X User' }, 'httpAuth.requireHeader: must be a legal header name, got "X User"'],
      [{ url: URL, requireHeader: false }, 'httpAuth.requireHeader: must be a string or null, got false'],
      [{ url: URL, headers: { 'X Y': 'z' } }, 'httpAuth.headers["X Y"]: is not a legal header name'],
      [{ url: URL, headers: { Host: 'z' } }, 'httpAuth.headers.Host: is a header of the connection and cannot be set'],
      [{ url: URL, headers: { x_real_ip: 'z' } }, 'httpAuth.headers.x_real_ip: is a header that the plugin sets itself'],
      [{ url: URL, headers: { A: '1', a: '2' } }, 'httpAuth.headers: must not name a header twice'],
      [{ url: URL, headers: { A: 'x\ny' } }, 'httpAuth.headers.A: has characters that no header may have, got a string that is not shown here'],
      [{ url: URL, headers: { A: 7 } }, 'httpAuth.headers.A: must be a string, got a number that is not shown here'],
      [{ url: URL, params: { '': 'x' } }, 'httpAuth.params[""]: must not be empty'],
      [{ url: URL, params: { a: '{ap}' } }, /^httpAuth\.params\.a: \{ap\} is not known, use \{app\}, .*\{requestNumber\}, got a string that is not shown here$/],
      [{ url: URL, tls: { cert: '' } }, 'httpAuth.tls.cert: must not be empty, got a string that is not shown here'],
      [{ url: URL, trustProxy: ['10.0.0.0/33'] }, 'httpAuth.trustProxy[0]: must be an IPv4 or IPv6 address or a CIDR network, got "10.0.0.0/33"'],
      [{ url: URL, proxyProtocol: true }, 'httpAuth.proxyProtocol: needs httpAuth.trustProxy, because only the headers of these proxies are believed'],
      [{ url: URL, trustProxy: ['::1'], proxyProtocol: ['ws'] }, 'httpAuth.proxyProtocol[0]: must be "rtmp" or "rtmps" or "http" or "https", got "ws"'],
      [{ url: URL, cors: { credentials: true } }, 'httpAuth.cors.credentials: needs named origins, because browsers reject credentials with "*"'],
      [{ url: URL, cors: { origins: ['https://tv.example.com/'] } }, 'httpAuth.cors.origins[0]: must be scheme, host and port alone: https://tv.example.com, got a string that is not shown here'],
      [{ url: URL, files: { identity: ['address'] } }, 'httpAuth.files.identity: must name "query", got a list'],
      [{ url: URL, files: { identity: ['query', 'ip'] } }, /^httpAuth\.files\.identity\[1\]: must be "query" or "address" or "userAgent", got/],
      [{ url: URL, files: { ownOrigins: ['cdn.example.com'] } }, 'httpAuth.files.ownOrigins[0]: must be an origin such as https://tv.example.com, got "cdn.example.com"'],
      [{ url: URL, trustProxy: '10.0.0.1' }, 'httpAuth.trustProxy: must be a list, got "10.0.0.1"'],
      [{ url: URL, rules: [{ ip: 'localhost', verdict: 'allow' }] }, 'httpAuth.rules[0].ip: must be an IPv4 or IPv6 address or a CIDR network, got "localhost"'],
      [{ url: URL, rules: [{ path: 'live/*', verdict: 'allow' }] }, 'httpAuth.rules[0].path: must begin with / or *, got "live/*"'],
      [{ url: URL, rules: [{}] }, 'httpAuth.rules[0].verdict: is required'],
      [{ url: URL, rules: [{ verdict: 'allow', for: 'watch' }] }, 'httpAuth.rules[0].for: must be "play" or "publish", got "watch"'],
      [{ url: URL, files: { open: ['.tar.gz'] } }, 'httpAuth.files.open[0]: must be an extension such as .html, got ".tar.gz"'],
      [{ url: URL, files: { stream: '{app}/{name}' } }, 'httpAuth.files.stream: must be directories, each {app}, {stream} or plain text, got "{app}/{name}"'],
      [{ url: URL, files: { stream: '../{app}/{stream}' } }, /^httpAuth\.files\.stream: must be directories/],
      [{ url: URL, files: { stream: '{stream}' } }, 'httpAuth.files.stream: must name {app} once and {stream} once, got "{stream}"'],
      [{ url: URL, log: 'debug' }, 'httpAuth.log: must be "none" or "outages" or "denials" or "verdicts", got "debug"'],
      [{ url: URL, publish: { timeoutMs: 0 } }, 'httpAuth.publish.timeoutMs: must be at least 1, got 0'],
      [{ url: URL, publish: false }, 'httpAuth.publish: must be an object, got false'],
      [{ preset: 'iptvportl' }, /^httpAuth\.preset: must be [^\n]*, got "iptvportl"$/],
      [JSON.parse(`{ "url": "${URL}", "__proto__": { "timeoutMs": 1 } }`), /^httpAuth\.__proto__: unknown option/],
      [{ url: URL, constructor: 1 }, /^httpAuth\.constructor: unknown option/],
      [{ url: URL, publish: { toString: 1 } }, /^httpAuth\.publish\.toString: unknown option/]
    ]
    for (const [options, message] of mistakes) {
      it(`are told: ${String(message).slice(0, 110)}`, () => {
        if (typeof message === 'string') expect(mistakesOf(options)).to.equal(message)
        else expect(mistakesOf(options)).to.match(message)
      })
    }

    it('are all told in one message, each once', () => {
      const wrong = { timeout: 1, headers: { A: 'x\n', a: 'y', Host: 'h' }, log: 'x', tls: { ca: 'none.pem' }, publish: { maxHeld: 3 }, actions: ['play'] }
      const [title, ...lines] = mistakesOf(wrong).split('\n')
      expect(title).to.equal(`${lines.length} mistakes in the options:`)
      expect(lines).to.have.members([
        '  httpAuth.timeout: unknown option, did you mean "timeoutMs"?',
        '  httpAuth.headers.A: has characters that no header may have, got a string that is not shown here',
        '  httpAuth.headers.Host: is a header of the connection and cannot be set',
        '  httpAuth.log: must be "none" or "outages" or "denials" or "verdicts", got "x"',
        '  httpAuth.publish.maxHeld: unknown option here, did you mean httpAuth.maxHeld?',
        '  httpAuth.publish: is set, but httpAuth.actions does not contain "publish", so publishers would not be checked',
        '  httpAuth.url: is required',
        '  httpAuth.tls.ca: must be PEM text or a file that can be read (ENOENT)'
      ])
    })

    for (const [key, schema] of Object.entries<object>(SCHEMA.properties)) {
      const wrong = 'type' in schema && [schema.type].flat().includes('object') ? 7 : {}
      it(`are told by their path: ${key}`, () => {
        expect(mistakesOf({ url: URL, [key]: wrong })).to.match(new RegExp(`^httpAuth\\.${key.replace('$', '\\$')}: must be .*, got ${wrong === 7 ? '(?:7|a number that is not shown here)' : 'an object'}$`))
      })
    }
  })

  describe('that are misspelled are told with the nearest that exists', () => {
    const sections: Record<string, { keys: readonly string[], put: (key: string) => object }> = {
      httpAuth: { keys: Object.keys(SCHEMA.properties), put: (key) => ({ [key]: 1 }) },
      'httpAuth.publish': { keys: Object.keys(SCHEMA.properties.publish.properties), put: (key) => ({ publish: { [key]: 1 } }) },
      'httpAuth.tls': { keys: Object.keys(SCHEMA.properties.tls.properties), put: (key) => ({ tls: { [key]: 1 } }) },
      'httpAuth.publish.tls': { keys: Object.keys(SCHEMA.properties.tls.properties), put: (key) => ({ publish: { tls: { [key]: 1 } } }) },
      'httpAuth.breaker': { keys: Object.keys(SCHEMA.properties.breaker.properties), put: (key) => ({ breaker: { [key]: 1 } }) },
      'httpAuth.files': { keys: Object.keys(SCHEMA.properties.files.properties), put: (key) => ({ files: { [key]: 1 } }) },
      'httpAuth.rules[0]': { keys: Object.keys(SCHEMA.properties.rules.items.properties), put: (key) => ({ rules: [{ verdict: 'allow', [key]: 1 }] }) }
    }
    for (const [path, { keys, put }] of Object.entries(sections)) {
      for (const key of keys) {
        it(`${path}.${key}`, () => {
          for (const wrong of [key.toUpperCase(), `${key}s`, key.slice(1) + (key[0] ?? ''), key.replace(/(.)(.)$/, '$2$1')].filter((text) => !keys.includes(text))) {
            const message = mistakesOf({ url: URL, ...put(wrong) })
            expect(message).to.include(`${path}.${wrong}: unknown option, did you mean "`)
            if (wrong === key.toUpperCase() || wrong === `${key}s`) expect(message).to.include(`did you mean "${key}"?`)
          }
        })
      }
    }
    it('and in the section where it belongs', () => {
      expect(mistakesOf({ url: URL, failures: 1 })).to.equal('httpAuth.failures: unknown option here, did you mean httpAuth.breaker.failures?')
      expect(mistakesOf({ url: URL, publish: { trustProxy: [] } })).to.equal('httpAuth.publish.trustProxy: unknown option here, did you mean httpAuth.trustProxy?')
      expect(mistakesOf({ url: URL, breaker: { maxHeldPerIp: 1 } })).to.equal('httpAuth.breaker.maxHeldPerIp: unknown option here, did you mean httpAuth.maxHeldPerIp?')
    })
    it('or with what is known, where nothing is near', () => {
      expect(mistakesOf({ url: URL, breaker: { ['q'.repeat(80)]: 1 } })).to.match(/^httpAuth\.breaker\.q+: unknown option, known here: failures, probeMs$/)
    })
  })

  describe('never have a secret shown', () => {
    const secret = 'hunter2'
    for (const [what, options] of [
      ['a URL\'s query', { url: `http//x/?token=${secret}` }], ['a URL\'s password', { url: `http://name:${secret}@x` }], ['a URL\'s fragment', { url: `http://x/#${secret}` }],
      ['one of several URLs', { url: [URL, `ftp://x/?token=${secret}`] }], ['a URL that is something else', { url: { token: secret } }],
      ['a header', { url: URL, headers: { A: `${secret}\n` } }], ['headers that are something else', { url: URL, headers: secret }], ['a header that is something else', { url: URL, headers: { A: [secret] } }],
      ['a parameter', { url: URL, params: { a: `${secret}{x}`.replace('{x}', '{b}') } }], ['parameters that are something else', { url: URL, params: secret }],
      ['a key', { url: URL, tls: { key: `-----BEGIN ${secret}`, cert: `-----BEGIN ${secret}` } }], ['a file name', { url: URL, tls: { ca: `/none/${secret}` } }],
      ['tls that is something else', { url: URL, tls: secret }], ['a publisher\'s header', { url: URL, publish: { headers: { A: `${secret}\n` } } }],
      ['a section that is a URL', `http://x/?token=${secret}`]
    ] as const) {
      it(what, () => {
        expect(mistakesOf(options)).to.not.equal('none').and.to.not.include(secret)
      })
    }
  })

  describe('about TLS towards the backend', () => {
    const pem = (name: Parameters<typeof certificatePath>[0]): string => readFileSync(certificatePath(name), 'utf8')
    const folder = dirname(certificatePath('ca.pem'))

    it('are read from files, relative to the folder of the config', () => {
      expect(resolve({ url: URL, tls: { ca: basename(certificatePath('ca.pem')), cert: 'server.pem', key: certificatePath('server.key') } }, folder).play.tls)
        .to.deep.equal({ ca: pem('ca.pem'), cert: pem('server.pem'), key: pem('server.key'), rejectUnauthorized: true })
    })
    it('may be the texts themselves', () => {
      expect(resolve({ url: URL, tls: { ca: pem('ca.pem'), rejectUnauthorized: false } }).play.tls).to.deep.equal({ ca: pem('ca.pem'), rejectUnauthorized: false })
    })
    it('are each told what is wrong with them', () => {
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      for (const [tls, message] of [
        [{ ca: 'none.pem' }, 'httpAuth.tls.ca: must be PEM text or a file that can be read (ENOENT)'],
        [{ ca: '.' }, 'httpAuth.tls.ca: must be PEM text or a file that can be read (EISDIR)'],
        [{ ca: 'server.key' }, /^httpAuth\.tls\.ca: holds no certificate in PEM \(ERR_OSSL_\w+\)$/],
        [{ cert: 'server.pem' }, 'httpAuth.tls: needs cert and key together, or neither'],
        [{ key: 'server.key' }, 'httpAuth.tls: needs cert and key together, or neither'],
        [{ cert: 'server.pem', key: other }, /^httpAuth\.tls\.key: is no key of the certificate \(ERR_OSSL_\w+\)$/],
        [{ cert: 'server.pem', key: 'server.pem' }, /^httpAuth\.tls\.key: is no key of the certificate \(ERR_OSSL_\w+\)$/]
      ] as const) {
        const told = mistakesOf({ url: URL, tls }, folder)
        if (typeof message === 'string') expect(told).to.equal(message)
        else expect(told).to.match(message)
      }
    })
    it('are told by the section that they were read from', () => {
      expect(mistakesOf({ url: URL, publish: { tls: { ca: 'none.pem' } } })).to.match(/^httpAuth\.publish\.tls\.ca: /)
      expect(mistakesOf({ url: URL, tls: { ca: 'none.pem' }, publish: { timeoutMs: 1 } })).to.match(/^httpAuth\.tls\.ca: [^\n]*$/)
    })
  })

  it('come back complete and immutable', () => {
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(resolve({ url: [URL], headers: { A: '1' }, rules: [{ verdict: 'allow' }], publish: { tls: {} }, files: { open: ['x'] } }))).to.equal(true)
    expect(frozen(DEFAULTS)).to.equal(true)
    expect(frozen(SCHEMA)).to.equal(true)
  })

  it('are never touched where they came from', () => {
    const options = { url: [URL], rules: [{ verdict: 'allow' }], breaker: { failures: 1 }, files: { open: ['.HTML'] }, tls: {}, headers: { A: '1' }, params: { a: null }, timeoutMs: undefined }
    const before = structuredClone(options)
    const settings = resolve(options)
    expect(options).to.deep.equal(before)
    expect(Object.isFrozen(options) || Object.isFrozen(options.rules) || Object.isFrozen(options.headers)).to.equal(false)
    options.headers.A = '2'
    expect(settings.play.headers).to.deep.equal({ A: '1' })
    const wrong = { url: 'x', rules: [{ verdict: 'maybe' }] }
    mistakesOf(wrong)
    expect(wrong).to.deep.equal({ url: 'x', rules: [{ verdict: 'maybe' }] })
  })

  it('may be frozen themselves', () => {
    const options = Object.freeze({ url: URL, rules: Object.freeze([Object.freeze({ verdict: 'allow' })]) })
    expect(resolve(options).rules).to.have.length(1)
  })
})
