import type { Authorize } from '../access/authorize.js'
import { BackendUnavailable } from '../errors.js'
import { safely } from '../safely.js'

export interface OutageHooks {
  /** The first request that met the outage has just done so. */
  readonly onBegin: (outage: BackendUnavailable) => void
  /** The backend answers again; so many requests met the outage. */
  readonly onEnd: (requests: number, reason: string) => void
}

export interface OutageWatch {
  readonly authorize: Authorize
  /** It has begun, and its end has not been told. */
  readonly isOn: boolean
}

/**
 * An outage is over when the backend has answered and then failed nobody for this long, in
 * milliseconds: requests that were sent before it came back still fail for a while, and a backend
 * that fails now and then is one outage and not a thousand.
 */
export const CALM_MS = 1000

/**
 * Tells when an outage begins and when it ends. Changes no verdict; stands before the breaker.
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
