import type { Authorize } from '../access/authorize.js'
import type { Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'

export interface OutageHooks {
  /** The first request that met the outage has just done so. */
  readonly onBegin: (reason: string) => void
  /** The backend answers again; so many requests met the outage. */
  readonly onEnd: (requests: number, reason: string) => void
}

/**
 * An outage is over when the backend has answered and then failed nobody for this long, in
 * milliseconds: requests that were sent before it came back still fail for a while, and a backend
 * that fails now and then is one outage and not a thousand.
 */
export const CALM_MS = 1000

/** Tells when an outage begins and when it ends. Changes no verdict; stands before the breaker. */
export const watchOutage = (next: Authorize, { onBegin, onEnd }: OutageHooks, calmMs = CALM_MS): Authorize => {
  let outage: { requests: number, reason: string, calm?: NodeJS.Timeout } | undefined

  const failed = ({ message }: BackendUnavailable): void => {
    clearTimeout(outage?.calm)
    if (outage === undefined) {
      outage = { requests: 1, reason: message }
      onBegin(message)
    } else {
      delete outage.calm
      outage.requests += 1
    }
  }
  const answered = (): void => {
    if (outage === undefined || outage.calm !== undefined) return
    const { requests, reason } = outage
    outage.calm = setTimeout(() => {
      outage = undefined
      onEnd(requests, reason)
    }, calmMs).unref()
  }

  const heard = (verdict: Verdict): Verdict => {
    if (verdict.source === 'backend') answered()
    return verdict
  }
  const refused = (error: unknown): never => {
    if (error instanceof BackendUnavailable) failed(error)
    throw error
  }
  return (request, signal) => next(request, signal).then(heard, refused)
}
