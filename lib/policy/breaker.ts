import type { Authorize } from '../access/authorize.js'
import { BackendUnavailable } from '../errors.js'
import { safely } from '../safely.js'
import { trace } from '../trace.js'

const debug = trace('policy')

/** What the breaker needs from the backend, besides the requests that pass through it. */
export interface Watched {
  /** Sends the probe; resolves with whether it was sent but got no answer. */
  readonly probe: () => Promise<'answered' | 'silent' | 'failed'>
  /** Calls back whenever the backend has answered anybody. */
  readonly onAnswer: (listener: () => void) => void
}

export interface BreakerHooks {
  /** From now on clients get the default action at once. */
  readonly onOpen?: (reason: string) => void
  /** The backend answers again. */
  readonly onClose?: () => void
}

export interface Breaker {
  readonly authorize: Authorize
  /** Requests fail at once at the moment, without waiting for the backend. */
  readonly isOpen: boolean
  /** Stops probing. */
  close(): void
}

interface Open {
  /** The last failure before it opened. */
  readonly outage: BackendUnavailable
  timer?: NodeJS.Timeout
  /** The probe was sent but not answered, so one client's request is tried as well. */
  mayTry: boolean
  /** That request is on its way. */
  trying: boolean
}

/**
 * Stops waiting for a backend that is down: after `failures` outages in a row every request is an outage
 * at once, and a probe is sent every `probeMs`. Only if it is sent but not answered, one client's request
 * is tried as well. Any answer closes the breaker.
 *
 * An outage counts only if nobody has been answered since its request began, so that one client's slow
 * requests cannot shut the door on the others.
 */
export const breaker = (
  next: Authorize,
  settings: { readonly failures: number, readonly probeMs: number } | false,
  { probe, onAnswer }: Watched,
  { onOpen, onClose }: BreakerHooks = {}
): Breaker => {
  if (settings === false) return { authorize: next, isOpen: false, close: () => undefined }
  const { failures, probeMs } = settings
  let failed = 0
  let open: Open | undefined
  let answers = 0
  let closed = false

  onAnswer(() => {
    answers += 1
    failed = 0
    if (open === undefined) return
    clearTimeout(open.timer)
    open = undefined
    debug('breaker closes')
    onClose?.()
  })
  const probeSoon = (state: Open): void => {
    state.timer = setTimeout(safely(undefined, () => {
      void probe().then((outcome) => {
        if (open !== state || closed) return
        state.mayTry = outcome === 'silent' && !state.trying
        probeSoon(state)
      })
    }), probeMs).unref()
  }
  const count = (answersBefore: number, outage: BackendUnavailable): void => {
    if (open !== undefined || closed || answers !== answersBefore) return
    failed += 1
    if (failed < failures) return
    open = { outage, mayTry: false, trying: false }
    probeSoon(open)
    debug('breaker opens: %s', outage.message)
    onOpen?.(outage.message)
  }
  return {
    authorize(request, signal) {
      if (open !== undefined && !open.mayTry) {
        const { message, forClients } = open.outage
        return Promise.reject(new BackendUnavailable(`${message}; not asked again yet`, { forClients: `${forClients}; not asked again yet`, cause: open.outage }))
      }
      const tried = open
      if (tried !== undefined) Object.assign(tried, { mayTry: false, trying: true })
      const answersBefore = answers
      return next(request, signal).catch((error: unknown) => {
        if (error instanceof BackendUnavailable) count(answersBefore, error)
        throw error
      }).finally(() => { if (tried !== undefined) tried.trying = false })
    },
    get isOpen() { return open !== undefined },
    close() {
      closed = true
      clearTimeout(open?.timer)
    }
  }
}
