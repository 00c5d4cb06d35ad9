import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { expect } from 'chai'
import { DEFAULTS } from '../../../lib/options/defaults.js'
import { FORMATS } from '../../../lib/options/formats.js'
import type { BackendOptions, BreakerOptions, FilesOptions, Options, RuleOptions, TlsOptions } from '../../../lib/options/options.js'
import { configSchema, sectionSchema } from '../../../lib/options/public-schema.js'
import type { AdminOptions } from '../../../lib/options/admin.js'
import type { AuditOptions } from '../../../lib/options/audit.js'
import type { WebhookOptions } from '../../../lib/options/webhook.js'
import { SCHEMA } from '../../../lib/options/schema.js'
import { createAppFolder, type AppFolder } from '../../support/apps.js'

// The compiler refuses a list that has not exactly the keys of its type.
const backend: Record<keyof BackendOptions, true> = {
  url: true, strategy: true, defaultAction: true, timeoutMs: true, maxConnections: true, headers: true, params: true, unavailableStatuses: true, tls: true,
  requireHeader: true, denyBody: true, rememberMs: true, rememberDenialMs: true, redirects: true, lastVerdictMs: true, recheck: true, recheckMs: true, probe: true, breaker: true
}
const options: Record<keyof Options, true> = {
  ...backend, $schema: true, cors: true, preset: true, actions: true, publish: true, rules: true, trustProxy: true, proxyProtocol: true, maxHeld: true, maxHeldPerIp: true, commandTimeoutMs: true,
  hlsIdleMs: true, maxSessions: true, maxSessionsPerIp: true, files: true, log: true, logFormat: true, audit: true, limits: true, store: true, admin: true, webhook: true, dryRun: true, drainMs: true
}
const tls: Record<keyof TlsOptions, true> = { ca: true, cert: true, key: true, rejectUnauthorized: true }
const breaker: Record<keyof BreakerOptions, true> = { failures: true, probeMs: true }
const files: Record<keyof FilesOptions, true> = { open: true, stream: true, maxPlaylistBytes: true, identity: true, ownOrigins: true, vodIdleMs: true }
const audit: Record<keyof AuditOptions, true> = { file: true, tokens: true, secret: true }
const admin: Record<keyof AdminOptions, true> = { port: true, bind: true, token: true, tokenFile: true, hosts: true, metricsOpen: true }
const webhook: Record<keyof WebhookOptions, true> = { url: true, events: true, headers: true, secret: true }
const rule: Record<keyof RuleOptions, true> = { ip: true, for: true, path: true, protocol: true, verdict: true }

const { properties } = SCHEMA

interface Node { readonly default?: unknown, readonly description?: string, readonly properties?: Readonly<Record<string, Node>> }

/** Every option by its path, those of sections below a `/`. */
const walk = (nodes: Readonly<Record<string, Node>>, path = ''): [path: string, node: Node][] =>
  Object.entries(nodes).flatMap(([key, node]): [string, Node][] => [[path + key, node], ...walk(node.properties ?? {}, `${path}${key}/`)])

describe('the schema of the options', () => {
  for (const [what, keys, schema] of [
    ['options', options, properties], ['publish', backend, properties.publish.properties], ['tls', tls, properties.tls.properties],
    ['breaker', breaker, properties.breaker.properties], ['files', files, properties.files.properties],
    ['audit', audit, properties.audit.properties], ['admin', admin, properties.admin.properties], ['webhook', webhook, properties.webhook.properties],
    ['rules', rule, properties.rules.items.properties]
  ] as const) {
    it(`has the keys of the type: ${what}`, () => { expect(Object.keys(schema)).to.have.members(Object.keys(keys)) })
  }

  it('is a valid draft-07 schema in which every format is known', () => {
    const ajv = new Ajv({ strict: true, strictTypes: false, formats: Object.fromEntries(Object.keys(FORMATS).map((name) => [name, true])) })
    expect(SCHEMA.$schema).to.equal('http://json-schema.org/draft-07/schema#')
    expect(ajv.validateSchema(structuredClone(SCHEMA)), ajv.errorsText()).to.equal(true)
    expect(() => ajv.compile(structuredClone(SCHEMA))).to.not.throw()
  })

  const { tls: tlsDefaults, files: filesDefaults, audit: auditDefaults, admin: adminDefaults, webhook: webhookDefaults, store: storeDefaults, ...plain } = DEFAULTS
  const defaults = new Map<string, unknown>(Object.entries(plain))
  for (const [section, values] of Object.entries({ tls: tlsDefaults, files: filesDefaults, audit: auditDefaults, admin: adminDefaults, webhook: webhookDefaults, store: storeDefaults, breaker: plain.breaker })) {
    for (const [key, value] of Object.entries(values)) defaults.set(`${section}/${key}`, value)
  }

  for (const [path, node] of walk(properties)) {
    const own = path.replace(/^publish\//, '')
    if (defaults.has(own)) it(`has the default that is in force: ${path}`, () => { expect(node.default).to.deep.equal(defaults.get(own)) })
    it(`says what it is: ${path}`, () => { expect(node.description).to.match(/^.{10,}\.$/s) })
  }

  it('names a default for every option that has one', () => {
    const paths = walk(properties as Readonly<Record<string, Node>>).map(([path]) => path)
    expect(paths).to.include.members([...defaults.keys()])
  })

  describe('as files for editors', () => {
    let folder: AppFolder
    before(async () => { folder = await createAppFolder() })
    after(() => folder.close())

    it('are what the build writes', async () => {
      const script = fileURLToPath(new URL('../../../scripts/write-schema.js', import.meta.url))
      const copy = await folder.write('scripts/write-schema.js', await readFile(script, 'utf8'))
      await promisify(execFile)(process.execPath, [copy])
      expect(JSON.parse(await readFile(folder.module('options/schema').replace(/\.js$/, '.json'), 'utf8'))).to.deep.equal(sectionSchema())
      expect(JSON.parse(await readFile(folder.module('options/schema').replace(/schema\.js$/, 'config.schema.json'), 'utf8'))).to.deep.equal(configSchema())
    })
  })
})
