import type { Authorize } from '../access/authorize.js'
import { BackendUnavailable } from '../errors.js'
import { safely } from '../safely.js'

export interface OutageHooks {
  /** The first request has failed. */
  readonly onBegin: (outage: BackendUnavailable) => void
  /** The backend answers again; with the number of requests that failed. */
  readonly onEnd: (requests: number, reason: string) => void
}

export interface OutageWatch {
  readonly authorize: Authorize
  /** The outage has begun, and its end has not been reported. */
  readonly isOn: boolean
}

/**
 * An outage is over when the backend has answered and no request has failed for this long, in
 * milliseconds: requests that were sent before it came back still fail for a while, and a backend
 * that flaps is one outage, not a thousand.
 */
export const CALM_MS = 1000

/**
 * Reports the begin and end of an outage. Changes no verdict; stands before the breaker.
 * @param onAnswer calls back whenever the backend has answered anybody, probes included
 */
export const watchOutage = (next: Authorize, onAnswer: (listener: () => void) => void, { onBegin, onEnd }: OutageHooks, calmMs = CALM_MS): OutageWatch => {
  let outage: { requests: number, reason: string, calm?: NodeJS.Timeout } | undefined

  const failed = (error: BackendUnavailable): void => {
    clearTimeout(outage?.calm)
    if (outage === undefined) {
      outage = { requests: 1, reason: error.message }
      onBegin(error)
    } else {
      delete outage.calm
      outage.requests += 1
    }
  }
  onAnswer(() => {
    if (outage === undefined || outage.calm !== undefined) return
    const { requests, reason } = outage
    outage.calm = setTimeout(safely(undefined, () => {
      outage = undefined
      onEnd(requests, reason)
    }), calmMs).unref()
  })

  return {
    authorize: (request, signal) => next(request, signal).catch((error: unknown) => {
      if (error instanceof BackendUnavailable) failed(error)
      throw error
    }),
    get isOn() { return outage !== undefined }
  }
}
