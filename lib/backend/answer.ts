import type { BackendSettings } from '../access/settings.js'
import type { Verdict } from '../access/verdict.js'
import { userLimit } from './user-limit.js'

/** Most bytes read of a body; the connection of a backend that sends more is closed. */
export const MAX_BODY_BYTES = 64 * 1024

type Rules = Pick<BackendSettings, 'requireHeader' | 'redirects'>

/** A header from undici's list of names and values. The first of a name counts; an empty one counts as absent. */
const header = (raw: readonly Buffer[], lowerCaseName: string): string | undefined => {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]
    if (name?.length !== lowerCaseName.length || name.toString('latin1').toLowerCase() !== lowerCaseName) continue
    const value = raw[index + 1]?.toString('utf8').trim() ?? ''
    return value === '' ? undefined : value
  }
  return undefined
}

/** `X-AuthDuration`, in seconds, as milliseconds; anything but a number of seconds is ignored. */
const duration = (raw: readonly Buffer[]): number | undefined => {
  const seconds = header(raw, 'x-authduration')
  return seconds !== undefined && /^\d{1,9}(?:\.\d{1,3})?$/.test(seconds) ? Number(seconds) * 1000 : undefined
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Common clients and proxies truncate or refuse longer ones. */
const MAX_LOCATION = 4096

/** `Location`, if it is an absolute http(s) URL without credentials. */
const locationOf = (raw: readonly Buffer[]): string | undefined => {
  const given = header(raw, 'location') ?? ''
  if (given.length > MAX_LOCATION || !/^https?:\/\//i.test(given) || !URL.canParse(given)) return undefined
  const { href, username, password } = new URL(given)
  return username === '' && password === '' ? href : undefined
}

/** The verdict of a status other than 200. */
const denial = ({ redirects }: Rules, status: number, raw: readonly Buffer[], latencyMs: number): Verdict => {
  const validForMs = duration(raw)
  const location = redirects && REDIRECTS.has(status) ? locationOf(raw) : undefined
  return {
    allowed: false, source: 'backend', reason: `denied by the backend with status ${status}`, status, latencyMs,
    ...(validForMs !== undefined && { validForMs }),
    ...(location !== undefined && { location })
  }
}

/** The verdict of a final status and its headers; the body may still turn an allow into a denial. */
const readHead = (rules: Rules, status: number, raw: readonly Buffer[], latencyMs: number): Verdict => {
  const { requireHeader } = rules
  if (status !== 200) return denial(rules, status, raw, latencyMs)
  if (requireHeader !== null && header(raw, requireHeader.toLowerCase()) === undefined) {
    const fault = `status 200 without the header ${requireHeader}`
    return { allowed: false, source: 'backend', reason: `the backend answered ${fault}`, status, latencyMs, fault }
  }
  const validForMs = duration(raw)
  const { maxSessions, fault } = userLimit(header(raw, 'x-max-sessions'), header(raw, 'x-unique'))
  const userId = header(raw, 'x-userid')?.replace(/[\x00-\x1f\x7f-\x9f]+/g, '').slice(0, 256)
  return {
    allowed: true,
    source: 'backend',
    reason: 'allowed by the backend',
    status,
    latencyMs,
    ...(validForMs !== undefined && { validForMs }),
    ...(maxSessions !== undefined && { maxSessions }),
    ...(fault !== undefined && { fault }),
    ...(userId !== undefined && { userId })
  }
}

/** Turns an allow into a denial because of its body. */
const denied = ({ status = 200, latencyMs = 0 }: Verdict, reason: string, fault?: string): Verdict =>
  ({ allowed: false, source: 'backend', reason, status, latencyMs, ...(fault !== undefined && { fault }) })

const errorOf = (body: Buffer): unknown => {
  try {
    const json: unknown = JSON.parse(body.toString('utf8').replace(/^\ufeff/, ''))
    return typeof json === 'object' && json !== null && 'error' in json ? json.error : undefined
  } catch {
    return undefined
  }
}

/**
 * The verdict of an answer whose body decides (`denyBody`): only JSON with `"error": 0` leaves an
 * allow as it is, since that is how Smarty says that a token is valid. Any other body is a denial and never an outage,
 * because a client may be able to provoke it.
 */
const readBody = (head: Verdict, body: Buffer): Verdict => {
  const error = errorOf(body)
  if (error === 0) return head
  if (typeof error === 'number') return denied(head, `denied by the backend with error ${error}`)
  return denied(head, 'the body of the answer does not allow', 'status 200 with a body that is not JSON with a number "error"')
}

/** A final status with its headers, and the body received so far. */
export class Answer {
  readonly head: Verdict
  /** The body decides, too. */
  readonly needsBody: boolean
  /** The operator listed this status in `unavailableStatuses`. */
  readonly isUnavailable: boolean
  private bytes = 0
  private body: Buffer[] | undefined

  constructor(settings: Rules & Pick<BackendSettings, 'denyBody' | 'unavailableStatuses'>, status: number, headers: readonly Buffer[], readonly latencyMs: number) {
    this.head = readHead(settings, status, headers, latencyMs)
    this.needsBody = settings.denyBody && this.head.allowed
    this.isUnavailable = settings.unavailableStatuses.includes(status)
  }

  /** Adds a chunk of the body; false if it is now too large. */
  take(chunk: Buffer): boolean {
    this.bytes += chunk.length
    if (this.bytes > MAX_BODY_BYTES) return false
    if (this.needsBody) (this.body ??= []).push(chunk)
    return true
  }

  /** The verdict once the body is complete. */
  whole(): Verdict {
    return this.needsBody ? readBody(this.head, Buffer.concat(this.body ?? [])) : this.head
  }

  /** The verdict when a body that decides is too large, too late or cut off. */
  without(what: string): Verdict {
    return denied(this.head, 'the body of the answer does not allow', `status 200 with a body that ${what}`)
  }
}
