import type { Authorize } from '../access/authorize.js'
import type { BackendSettings } from '../access/settings.js'
import { any, failover } from './strategy.js'
import { Target, type Clock, type TargetStats } from './target.js'

export { connectOptions } from './connections.js'
export { watchProgress, type Progress } from './progress.js'
export { buildRequest, type BackendRequest, type Malformed } from './request.js'
export type { TargetStats } from './target.js'

/** The service that is asked, at one URL or several. */
export interface Backend {
  /**
   * Asks. Resolves with `backend` verdicts, with `overload` where this process could not ask, and
   * with `malformed` where no request can be made of what the client sent.
   * Rejects with `BackendUnavailable`, whose message says for the operator what failed and where.
   */
  readonly authorize: Authorize
  /** One entry for each URL, in their order. */
  stats(): readonly TargetStats[]
  /** Closes every connection at once; who still waits for an answer is denied, with `overload`. */
  close(): Promise<void>
}

export interface BackendHooks {
  readonly now?: Clock
}

/**
 * Makes the backend; connects when it is first asked.
 * @throws HttpAuthError `ERR_OPTIONS` if `headers` cannot be sent or are the plugin's own
 */
export const createBackend = (settings: BackendSettings, { now = () => performance.now() }: BackendHooks = {}): Backend => {
  const { urls, strategy, timeoutMs } = settings
  const targets = urls.map((url) => new Target(settings, url, now))
  const asks = targets.map((target) => target.ask.bind(target))
  const [only] = targets
  const ask: Authorize = only !== undefined && targets.length === 1
    ? (request, signal) => only.ask(request, signal, timeoutMs)
    : strategy === 'any' ? any(asks, timeoutMs) : failover(asks, timeoutMs, now)
  return {
    authorize: (request, signal) => signal.aborted ? Promise.reject(signal.reason) : ask(request, signal),
    stats: () => targets.map((target) => target.stats()),
    close: async () => { await Promise.all(targets.map((target) => target.close())) }
  }
}
