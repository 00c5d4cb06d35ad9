import { Ajv } from 'ajv'
import { expect } from 'chai'
import { FORMATS } from '../../../lib/options/formats.js'
import { configSchema, PATTERNS, sectionSchema } from '../../../lib/options/public-schema.js'
import { resolve } from '../../../lib/options/resolve.js'
import { codeBlocks } from '../../support/readme.js'

const URL = 'http://127.0.0.1:6000'

/** Sections, and whether they are sound. What the plugin takes the schema must take; the other way only what a schema can know. */
const SECTIONS: readonly [section: Record<string, unknown>, sound: boolean][] = [
  [{ url: URL }, true],
  [{ $schema: './schema.json', url: URL }, true],
  [{ url: [URL, 'https://b.example.com:1/x?y=1'], strategy: 'any' }, true],
  [{ url: 'HTTP://[::1]:6000' }, true],
  [{ preset: 'iptvportal' }, true],
  [{ url: URL, breaker: false, requireHeader: null, params: { a: null, b: '{stream}{x', c: '{ {ip}' }, headers: { 'X-Key': 'ä' } }, true],
  [{ url: URL, rules: [{ ip: '::ffff:10.0.0.0/104', path: '*', verdict: 'pass' }], trustProxy: ['10.0.0.1'], files: { open: ['.html', 'txt'], stream: 'a/{app}/b/{stream}' } }, true],
  [{ url: URL, dryRun: ['play'], webhook: { url: URL, headers: { 'X-A': 'b' } } }, true],
  [{ url: URL, dryRun: true, admin: { port: 0, token: '0123456789abcdef', bind: '::1', hosts: ['a.example.com', '[::1]'] } }, true],
  [{ url: URL, cors: { origins: ['https://tv.example.com'], credentials: true }, files: { ownOrigins: ['HTTP://[::1]:8080'] } }, true],
  [{ url: URL, cors: { origins: ['*'] } }, true],
  [{ url: URL, cors: { origins: ['tv.example.com'] } }, false],
  [{ url: URL, files: { ownOrigins: ['*'] } }, false],
  [{ url: URL, dryRun: [] }, false],
  [{ url: URL, webhook: { headers: {} } }, false],
  [{}, false],
  [{ preset: 'ministra' }, false],
  [{ url: 5 }, false],
  [{ url: [] }, false],
  [{ url: 'ftp://x' }, false],
  [{ url: 'http://a:b@x' }, false],
  [{ url: 'http://x#y' }, false],
  [{ url: URL, ulr: 1 }, false],
  [{ url: URL, breaker: true }, false],
  [{ url: URL, timeoutMs: 0 }, false],
  [{ url: URL, params: { a: '{strem}' } }, false],
  [{ url: URL, headers: { 'a b': 'x' } }, false],
  [{ url: URL, headers: { a: 'x\n' } }, false],
  [{ url: URL, rules: [{ ip: 'here', verdict: 'allow' }] }, false],
  [{ url: URL, rules: [{ path: 'live', verdict: 'allow' }] }, false],
  [{ url: URL, files: { stream: '{app}' } }, false]
]

describe('the schemas for editors', () => {
  /** As anybody would, without an option; whatever it has to say is a failure. */
  const compile = (schema: object) => {
    const said: unknown[] = []
    const say = (...words: unknown[]): unknown => said.push(words)
    const validate = new Ajv({ logger: { log: say, warn: say, error: say } }).compile(schema)
    expect(said).to.deep.equal([])
    return validate
  }

  it('compile in a validator that knows nothing of this package, without a complaint', () => {
    compile(sectionSchema())
    compile(configSchema())
    expect(JSON.stringify(configSchema())).not.to.include('"format"')
  })

  it('have a pattern for each format of the package', () => { expect(Object.keys(PATTERNS)).to.have.members(Object.keys(FORMATS)) })

  for (const [section, sound] of SECTIONS) {
    it(`${sound ? 'take' : 'refuse'} ${JSON.stringify(section)}, as the plugin does`, () => {
      expect(compile(sectionSchema())(section)).to.equal(sound)
      expect(compile(configSchema())({ rtmp: { port: 1935 }, httpAuth: section })).to.equal(sound)
      if (sound) expect(() => resolve(section)).not.to.throw()
      else expect(() => resolve(section)).to.throw()
    })
  }

  for (const { text, line } of codeBlocks('json')) {
    it(`take what the README shows (line ${line})`, () => { expect(compile(configSchema())(JSON.parse(text))).to.equal(true) })
  }

  it('want a section in the config file, which may be false', () => {
    const validate = compile(configSchema())
    expect(validate({ rtmp: {} })).to.equal(false)
    expect(validate({ httpAuth: true })).to.equal(false)
    expect(validate({ $schema: 'x', httpAuth: false, rtmp: { port: 1935 } })).to.equal(true)
  })
})
