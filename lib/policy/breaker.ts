import type { Authorize } from '../access/authorize.js'
import { BackendUnavailable } from '../errors.js'
import { safely } from '../safely.js'
import { trace } from '../trace.js'

const debug = trace('policy')

/** What the breaker knows of the backend beside the questions that go through it. */
export interface Watched {
  /** Asks the neutral question; whether it went out, but got no answer. */
  readonly probe: () => Promise<'answered' | 'silent' | 'failed'>
  /** Calls back whenever the backend has answered anybody. */
  readonly onAnswer: (listener: () => void) => void
}

export interface BreakerHooks {
  /** Clients now get the default action at once. */
  readonly onOpen?: (reason: string) => void
  /** The backend answers again. */
  readonly onClose?: () => void
}

export interface Breaker {
  readonly authorize: Authorize
  /** Nobody waits for the backend at the moment. */
  readonly isOpen: boolean
  /** Stops probing. */
  close(): void
}

interface Open {
  /** What failed last before it opened. */
  readonly outage: BackendUnavailable
  timer?: NodeJS.Timeout
  /** The probe went out and was not answered: one client's question may say more. */
  mayTry: boolean
  /** It is on its way. */
  trying: boolean
}

/**
 * Stops waiting for a backend that is down: after `failures` outages in a row every request is an outage
 * at once, and each `probeMs` the probe tries. Only if that goes out and is not answered does one
 * client's question try as well. Whoever is answered closes it.
 *
 * An outage counts only if nobody has been answered since that request began, so that one client's slow
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
