import type { Authorize } from '../access/authorize.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import { trace } from '../trace.js'
import { createMemory, type Memory } from './memory.js'
import { requestKey } from './request-key.js'

const debug = trace('policy')

/** The longest time for which a denial is kept, in milliseconds: a viewer who pays now should not have to wait. */
export const MAX_DENIAL_MS = 300_000
/** The most denials that are kept. They have their own memory, so that a flood of guesses cannot push out the allows of paying viewers. */
const MAX_DENIALS = 20_000
/** Statuses that are about this client. Redirects and 5xx never count: frameworks send `X-AuthDuration` with every answer. */
const STATUSES = new Set([401, 403, 404, 410])

/** A memory for denials. */
export const createDenials = (now?: () => number): Memory => createMemory(now, MAX_DENIALS)

/**
 * Refuses a request again without asking while the backend's denial is valid: for `X-AuthDuration`, or else
 * for `rememberDenialMs`, and never for more than five minutes.
 */
export const rememberDenial = (
  next: Authorize, { rememberDenialMs }: { rememberDenialMs: number }, memory: Memory = createDenials()
): Authorize =>
  (request, signal) => {
    const earlier = memory.size === 0 ? undefined : memory.get(requestKey(request))
    if (earlier !== undefined) {
      debug('the denial of %s is remembered', request.sessionId)
      return Promise.resolve(again(earlier))
    }
    return next(request, signal).then((verdict) => {
      keepDenial(memory, request, verdict, rememberDenialMs)
      return verdict
    })
  }

/** Keeps a verdict if it is a denial with a duration, including that of a re-check. */
export const keepDenial = (memory: Memory, request: AccessRequest, verdict: Verdict, rememberDenialMs: number): void => {
  const forMs = Math.min(verdict.validForMs ?? rememberDenialMs, MAX_DENIAL_MS)
  if (!verdict.allowed && verdict.source === 'backend' && STATUSES.has(verdict.status ?? 0) && forMs > 0) memory.set(requestKey(request), verdict, forMs)
}

const again = ({ status }: Verdict): Verdict => ({
  allowed: false, source: 'remembered', reason: 'denied by the backend before', ...(status !== undefined && { status })
})
