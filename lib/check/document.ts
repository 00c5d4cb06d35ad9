import type { AccessRequest, Action } from '../access/request.js'
import type { BackendSettings, Settings } from '../access/settings.js'
import type { Verdict } from '../access/verdict.js'
import { maskQuery, maskSecrets } from '../mask.js'
import { curlLine, type CurlRequest } from './curl.js'
import type { Question, Times } from './questions.js'

/** The options in force for one action. */
export type ActionDocument =
  | { readonly asked: false, readonly why: string }
  | { readonly asked: true } & Omit<BackendSettings, 'tls' | 'breaker'> & { readonly rejectUnauthorized: boolean }

/** One request to one backend. */
export interface QuestionDocument {
  readonly for: readonly Action[]
  readonly url: string
  readonly request: { readonly target: string, readonly headers: readonly (readonly [name: string, value: string])[] }
  readonly curl: string
  readonly peer: string | null
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly timesMs: Times
  readonly failure: string | null
}

/** What `check --json` prints; every key is always present. */
export interface CheckDocument {
  readonly file: string | null
  readonly error: { readonly code: string, readonly message: string } | null
  readonly contract: string | null
  readonly play: ActionDocument | null
  readonly publish: ActionDocument | null
  readonly accessRequest: AccessRequest | null
  readonly questions: readonly QuestionDocument[]
  readonly rule: string | null
  readonly verdict: Verdict | null
  readonly unavailable: { readonly reason: string, readonly defaultAction: 'allow' | 'deny' } | null
  /** The store that several servers share, and how long it took to connect and to answer twice, or why it failed. */
  readonly store: { readonly urls: readonly string[] } & ({ readonly connectMs: number, readonly answerMs: number } | { readonly reason: string }) | null
  /** Problems with the backend or the store. */
  readonly faults: readonly string[]
  /** Settings that are rarely intended. */
  readonly warnings: readonly string[]
  readonly secretsShown: boolean
  readonly exitStatus: 0 | 1 | 2 | 3
}

/** Response headers that matter for a verdict, besides the required one. */
const TELLING = [
  'x-authduration', 'x-userid', 'x-real-ip', 'x-max-sessions', 'x-unique', 'location', 'www-authenticate', 'retry-after', 'content-type', 'server', 'via'
]

/** Formats the results, without secrets unless they are asked for. */
export class Documents {
  constructor(private readonly showSecrets: boolean) {}

  action(settings: Settings, action: Action): ActionDocument {
    const backend = settings[action]
    if (!settings.actions.includes(action)) return { asked: false, why: `${action} is open to everybody` }
    if ('refuse' in backend) return { asked: false, why: backend.refuse }
    const { tls, urls, headers, params, strategy, defaultAction, timeoutMs, maxConnections, unavailableStatuses, requireHeader, denyBody, rememberMs, rememberDenialMs, redirects, lastVerdictMs, recheck, recheckMs, probe } = backend
    return {
      asked: true,
      urls: urls.map((url) => this.url(url)),
      strategy,
      defaultAction,
      timeoutMs,
      maxConnections,
      params: mapValues(params, (value) => /^\{\w+\}$/.test(value) ? value : this.secret(value)),
      headers: mapValues(headers, (value) => this.secret(value)),
      unavailableStatuses,
      requireHeader,
      denyBody,
      rememberMs,
      rememberDenialMs,
      redirects,
      lastVerdictMs,
      recheck,
      recheckMs,
      probe: { path: probe.path, query: this.query(probe.query) },
      rejectUnauthorized: tls.rejectUnauthorized
    }
  }

  accessRequest(request: AccessRequest): AccessRequest {
    return { ...request, query: this.query(request.query) }
  }

  question(question: Question, actions: readonly Action[], backend: BackendSettings, pemFiles: CurlRequest['pemFiles']): QuestionDocument {
    const { origin, path } = question.request
    const own = Object.keys(backend.headers)
    const sent = pairs(question.request.headers).map(([name, value]) => [name, own.includes(name) ? this.secret(value) : value] as const)
    const target = this.target(path)
    return {
      for: actions,
      url: this.url(question.url),
      request: {
        target,
        headers: [['host', new URL(origin).host], ['connection', 'keep-alive'], ...sent.map(([name, value]) => [name, textOf(value)] as const)]
      },
      curl: curlLine({
        url: origin + target, headers: [['connection', 'keep-alive'], ...sent], timeoutMs: backend.timeoutMs, tls: backend.tls, pemFiles
      }),
      peer: question.peer,
      status: question.status,
      headers: this.telling(question.headers, backend.requireHeader),
      timesMs: question.times,
      failure: question.failure
    }
  }

  private telling(headers: ReadonlyMap<string, string>, requireHeader: string | null): Record<string, string> {
    const names = requireHeader === null ? TELLING : [...new Set([requireHeader.toLowerCase(), ...TELLING])]
    return Object.fromEntries(names.flatMap((name) => {
      const value = headers.get(name)
      return value === undefined ? [] : [[name, this.showSecrets ? value : maskSecrets(value)]]
    }))
  }

  private url(url: string): string {
    const { origin, pathname, search } = new URL(url)
    return origin + this.target(pathname + search)
  }

  private target(target: string): string {
    const mark = target.indexOf('?')
    return mark < 0 ? target : `${target.slice(0, mark)}?${this.query(target.slice(mark + 1))}`
  }

  private query(query: string): string {
    return this.showSecrets ? query : maskQuery(query)
  }

  private secret(text: string): string {
    return this.showSecrets ? text : '***'
  }
}

const mapValues = (record: Readonly<Record<string, string>>, change: (value: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))

const pairs = (flat: readonly string[]): (readonly [string, string])[] =>
  flat.flatMap((name, index) => index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as const] : [])

/** Header values have one byte per character; people read UTF-8. */
const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
