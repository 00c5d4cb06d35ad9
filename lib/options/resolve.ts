import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { BackendSettings, RuleSettings, ServerName, Settings } from '../access/settings.js'
import { HttpAuthError } from '../errors.js'
import { adminOf } from './admin.js'
import { auditOf } from './audit.js'
import { corsOf } from './cors.js'
import { DEFAULTS } from './defaults.js'
import { deepFreeze } from './deep-freeze.js'
import { FORMATS } from './formats.js'
import { mistakeOf } from './mistakes.js'
import type { BackendOptions, Options, RuleOptions } from './options.js'
import { completeUrl, PRESETS, type Preset } from './presets.js'
import { SCHEMA } from './schema.js'
import { limitsOf } from './limits.js'
import { storeOf } from './store.js'
import { readTls } from './tls.js'
import { webhookOf } from './webhook.js'

let compiled: ValidateFunction<Options> | undefined

/** Compiled once, on first use. */
const validator = (): ValidateFunction<Options> => compiled ??= new Ajv({
  allErrors: true,
  verbose: true,
  allowUnionTypes: true,
  strictTypes: false,
  formats: Object.fromEntries(Object.entries(FORMATS).map(([name, problem]) => [name, (text: string) => problem(text) === undefined]))
}).compile<Options>(structuredClone(SCHEMA))

const fail = (mistakes: readonly string[]): never => {
  const lines = [...new Set(mistakes)]
  throw new HttpAuthError('ERR_OPTIONS', lines.length === 1
    ? lines[0] ?? ''
    : `${lines.length} mistakes in the options:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** Drops keys whose value is `undefined`, as JSON would. */
const withoutUndefined = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([key, child]) => child === undefined ? [] : [[key, withoutUndefined(child)]]))
}

const cloneOf = (options: unknown): unknown => {
  try {
    return withoutUndefined(structuredClone(options))
  } catch (cause) {
    throw new HttpAuthError('ERR_OPTIONS', 'httpAuth: must be plain JSON, without functions', { cause })
  }
}

const BACKEND_KEYS = Object.keys(SCHEMA.properties.publish.properties) as (keyof BackendOptions)[]

/** The backend options that are set in a section. */
const setOf = (section: BackendOptions): BackendOptions =>
  Object.fromEntries(BACKEND_KEYS.flatMap((key) => key in section ? [[key, section[key]]] : []))

const withoutNulls = (params: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== null))

interface Part {
  readonly section: BackendOptions
  readonly preset: Preset
  /** The section that an option was read from, for messages. */
  readonly home: (key: keyof BackendOptions) => string
  readonly baseDir: string
  readonly mistakes: string[]
}

const backendOf = ({ section, preset, home, baseDir, mistakes }: Part): BackendSettings => {
  const report = (path: string, problem: string): unknown => mistakes.push(`${path}: ${problem}`)
  const set = { ...DEFAULTS, ...preset.backend, ...section }
  const urls = [section.url ?? preset.url ?? []].flat()
  if (urls.length === 0) report(`${home('url')}.url`, 'is required')
  const names = Object.keys(set.headers).map((name) => name.toLowerCase())
  if (new Set(names).size < names.length) report(`${home('headers')}.headers`, 'must not name a header twice')
  return {
    urls: urls.map((url) => completeUrl(new URL(url), preset).href),
    strategy: set.strategy,
    defaultAction: set.defaultAction,
    timeoutMs: set.timeoutMs,
    maxConnections: set.maxConnections,
    headers: set.headers,
    params: withoutNulls({ ...preset.backend.params, ...section.params }),
    unavailableStatuses: set.unavailableStatuses,
    tls: readTls(set.tls, `${home('tls')}.tls`, baseDir, report),
    requireHeader: set.requireHeader,
    denyBody: set.denyBody,
    rememberMs: set.rememberMs,
    rememberDenialMs: set.rememberDenialMs,
    redirects: set.redirects,
    lastVerdictMs: set.lastVerdictMs,
    recheck: set.recheck === false ? false : { ...DEFAULTS.recheck, ...preset.backend.recheck, ...set.recheck },
    recheckMs: set.recheckMs,
    probe: { ...DEFAULTS.probe, ...set.probe },
    breaker: set.breaker === false ? false : { ...DEFAULTS.breaker, ...set.breaker }
  }
}

/** Without a section of their own, publishers share the players' backend, and its connections. */
const publishOf = (options: Options, part: Omit<Part, 'section'>, play: BackendSettings): Settings['publish'] => {
  const { publish } = options
  const { refusesPublishers } = part.preset
  if (publish === undefined) return refusesPublishers === undefined ? play : { refuse: refusesPublishers }
  // The publishers' backend must not inherit a portal's address, secrets and quirks.
  return refusesPublishers === undefined
    ? backendOf({ ...part, section: { ...setOf(options), recheck: false, ...setOf(publish) }, home: (key) => key in publish ? 'httpAuth.publish' : 'httpAuth' })
    : backendOf({ ...part, section: { recheck: false, ...setOf(publish) }, preset: PRESETS.custom, home: () => 'httpAuth.publish' })
}

const ruleOf = (rule: RuleOptions, index: number): RuleSettings => {
  const conditions = (['for', 'ip', 'path', 'protocol'] as const)
    .flatMap((name) => rule[name] === undefined ? [] : `${name} ${rule[name]}`)
  return { ...rule, text: [`rules[${index}]: ${rule.verdict}`, ...conditions].join(' ') }
}

const serversOf = (option: boolean | readonly ServerName[]): readonly ServerName[] =>
  option === true ? ['rtmp', 'rtmps', 'http', 'https'] : option === false ? [] : option

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The valid part of the options, so that later checks can add their mistakes to the same message. */
const soundPart = (given: unknown, errors: readonly ErrorObject[]): Options => {
  const sound = isObject(given) ? given : {}
  const bad = new Set(errors.map(({ instancePath }) => instancePath.split('/')[1]))
  for (const key of bad) if (key !== undefined) delete sound[key]
  const url = 'http://unknown.invalid'
  // An unknown preset may or may not need one.
  const unknown = bad.has('url') || (bad.has('preset') && !('url' in sound))
  return { ...sound, ...(unknown && { url }), ...(bad.has('publish') && { publish: { url } }) }
}

/**
 * Validates the section `httpAuth` and completes it with the preset's values and the defaults. It never
 * changes its argument; the result is immutable.
 *
 * @param options as the user wrote them
 * @param baseDir base of relative file paths; default is the working directory
 * @throws HttpAuthError `ERR_OPTIONS` with every mistake by path, and without any secret
 */
export const resolve = (options: unknown, baseDir = process.cwd()): Settings => {
  const clone = cloneOf(options)
  const validate = validator()
  const errors = validate(clone) ? [] : validate.errors ?? []
  const mistakes = errors.flatMap((error) => mistakeOf(error) ?? [])
  if (!isObject(clone)) return fail(mistakes)
  const given = soundPart(clone, errors)
  const set = { ...DEFAULTS, ...given }
  const preset = PRESETS[set.preset]
  const part = { preset, home: () => 'httpAuth', baseDir, mistakes }
  if (given.publish !== undefined && !set.actions.includes('publish')) {
    mistakes.push('httpAuth.publish: is set, but httpAuth.actions does not contain "publish", so publishers would not be checked')
  }
  if (serversOf(set.proxyProtocol).length > 0 && set.trustProxy.length === 0) {
    mistakes.push('httpAuth.proxyProtocol: needs httpAuth.trustProxy, because only the headers of these proxies are believed')
  }
  const files = { ...DEFAULTS.files, ...set.files }
  const play = backendOf({ ...part, section: setOf(given) })
  const settings: Settings = {
    contract: preset.title,
    actions: set.actions,
    play,
    publish: publishOf(given, part, play),
    rules: set.rules.map(ruleOf),
    trustProxy: set.trustProxy,
    proxyProtocol: serversOf(set.proxyProtocol),
    maxHeld: set.maxHeld,
    maxHeldPerIp: set.maxHeldPerIp,
    commandTimeoutMs: set.commandTimeoutMs,
    hlsIdleMs: set.hlsIdleMs,
    maxSessions: set.maxSessions,
    maxSessionsPerIp: set.maxSessionsPerIp,
    cors: corsOf(given.cors ?? {}, (path, problem) => mistakes.push(`${path}: ${problem}`)),
    files: { ...files, ownOrigins: files.ownOrigins.map((origin) => new URL(origin).origin), open: files.open.map((extension) => `.${extension.toLowerCase().replace('.', '')}`) },
    log: set.log,
    logFormat: set.logFormat,
    ...(given.audit && { audit: auditOf(given.audit, baseDir, (path, problem) => mistakes.push(`${path}: ${problem}`)) }),
    ...(given.admin && { admin: adminOf(given.admin, baseDir, (path, problem) => mistakes.push(`${path}: ${problem}`)) }),
    limits: limitsOf(given.limits, preset.limits ?? {}),
    ...(given.store && { store: storeOf(given.store, baseDir, (path, problem) => mistakes.push(`${path}: ${problem}`)) }),
    ...(given.webhook && { webhook: webhookOf(given.webhook) }),
    dryRun: set.dryRun === true ? ['play'] : set.dryRun === false ? [] : set.dryRun,
    drainMs: set.drainMs
  }
  return mistakes.length > 0 ? fail(mistakes) : deepFreeze(settings)
}
