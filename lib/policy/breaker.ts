import type { Authorize } from '../access/authorize.js'
import type { Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import { trace } from '../trace.js'
import type { Clock } from './memory.js'

const debug = trace('policy')

export interface BreakerHooks {
  /** Clients now get the default action at once. */
  readonly onOpen?: (reason: string) => void
  /** The backend answers again. */
  readonly onClose?: () => void
}

type State =
  | { readonly is: 'closed', failures: number }
  | { readonly is: 'open', readonly reason: string, since: number, probing: boolean }

/**
 * Stops waiting for a backend that is down: after `failures` outages in a row every request is an
 * outage at once, but for one at a time, each `probeMs`, that tries. Any answer closes it.
 *
 * Denials are answers. A client that left, a bug and this process's own overload say nothing about
 * the backend. An outage counts only if the backend has answered nobody since that request began,
 * so that one client's slow requests cannot shut the door on the others.
 */
export const breaker = (
  next: Authorize,
  settings: { readonly failures: number, readonly probeMs: number } | false,
  { onOpen, onClose }: BreakerHooks = {},
  now: Clock = () => performance.now()
): Authorize => {
  if (settings === false) return next
  const { failures, probeMs } = settings
  let state: State = { is: 'closed', failures: 0 }
  let answers = 0

  const answered = (): void => {
    answers += 1
    const wasOpen = state.is === 'open'
    state = { is: 'closed', failures: 0 }
    if (!wasOpen) return
    debug('breaker closes')
    onClose?.()
  }
  const failed = (answersBefore: number, { message }: BackendUnavailable): void => {
    if (state.is === 'open' || answers !== answersBefore) return
    state.failures += 1
    if (state.failures < failures) return
    state = { is: 'open', reason: message, since: now(), probing: false }
    debug('breaker opens: %s', message)
    onOpen?.(message)
  }
  const heard = (verdict: Verdict): Verdict => {
    if (verdict.source === 'backend') answered()
    return verdict
  }
  const ask: Authorize = (request, signal) => {
    const answersBefore = answers
    return next(request, signal).then(heard, (error: unknown) => {
      if (error instanceof BackendUnavailable) failed(answersBefore, error)
      throw error
    })
  }
  const probe = async (open: Extract<State, { is: 'open' }>, ...[request, signal]: Parameters<Authorize>): Promise<Verdict> => {
    if (open.probing || now() - open.since < probeMs) throw new BackendUnavailable(`${open.reason}; not asked again yet`)
    open.probing = true
    try {
      return await ask(request, signal)
    } catch (error) {
      // A probe whose client left has tried nothing; the next request may.
      if (error instanceof BackendUnavailable) open.since = now()
      throw error
    } finally {
      open.probing = false
    }
  }
  return (request, signal) => state.is === 'closed' ? ask(request, signal) : probe(state, request, signal)
}
