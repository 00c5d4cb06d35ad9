import type { Authorize } from '../access/authorize.js'
import type { BackendSettings } from '../access/settings.js'
import type { Clock } from './clock.js'
import { createOutlook, type Outlook } from './outlook.js'
import type { ProbeOutcome } from './probe.js'
import { any, failover } from './strategy.js'
import { Target, type OnAsked, type TargetStats } from './target.js'

export { connectOptions } from './connections.js'
export { createOutlook, type Outlook } from './outlook.js'
export type { ProbeOutcome } from './probe.js'
export { probeWarnings } from './probe-warnings.js'
export { watchProgress, type Progress } from './progress.js'
export { buildRequest, type BackendRequest, type Malformed } from './request.js'
export { placeOf, type OnAsked, type TargetStats } from './target.js'

/** What the probe of one URL came to; `at` is its host and port. */
export interface Probed {
  readonly at: string
  readonly outcome: ProbeOutcome
}

/** The backend, at one or several URLs. */
export interface Backend {
  /**
   * Asks the backend. Resolves with a verdict of source `backend`; `unanswered` if the backend answers others; `overload`
   * if nobody knows whether it does, or this process could not ask; `malformed` if the client's request cannot be sent.
   * Rejects with `BackendUnavailable` once every URL is proven to be down; its message tells the operator what failed and
   * where.
   */
  readonly authorize: Authorize
  /** Probes every URL, at most once a second. */
  probe(): Promise<readonly Probed[]>
  /** Calls back whenever one of the URLs answers anybody, probes included. */
  onAnswer(listener: () => void): void
  /** One entry for each URL, in their order. */
  stats(): readonly TargetStats[]
  /** Closes all connections at once; clients still waiting are denied with source `overload`. */
  close(): Promise<void>
}

export interface BackendHooks {
  /** A question is over, whatever came of it. */
  readonly onAsked?: OnAsked
  readonly now?: Clock
  /** What is known about each URL, shared with other backends. */
  readonly outlook?: Outlook
  /** Called when the probe of the URL at this host and port is not answered although clients are. */
  readonly onUselessProbe?: (at: string) => void
}

/**
 * Makes the backend; it connects with the first question.
 * @throws HttpAuthError `ERR_OPTIONS` if `headers` cannot be sent or are the plugin's own
 */
export const createBackend = (settings: BackendSettings, hooks: BackendHooks = {}): Backend => {
  const { urls, strategy, timeoutMs } = settings
  const { now = () => performance.now(), outlook = createOutlook(now, hooks.onUselessProbe) } = hooks
  const targets = urls.map((url) => {
    const { evidence, lookup } = outlook.of(settings, url)
    return new Target(settings, url, now, evidence, lookup, hooks.onAsked)
  })
  const asks = targets.map((target) => target.ask.bind(target))
  const [only] = targets
  const ask: Authorize = only !== undefined && targets.length === 1
    ? (request, signal) => only.ask(request, signal, timeoutMs)
    : strategy === 'any' ? any(asks, timeoutMs) : failover(asks, timeoutMs, now)
  return {
    authorize: (request, signal) => signal.aborted ? Promise.reject(signal.reason) : ask(request, signal),
    probe: () => Promise.all(targets.map(async ({ at, evidence }) => ({ at, outcome: await evidence.ask() }))),
    onAnswer: (listener) => { for (const { evidence } of targets) evidence.onAnswer(listener) },
    stats: () => targets.map((target) => target.stats()),
    close: async () => {
      const closed = Promise.all(targets.map((target) => target.close()))
      for (const { evidence } of targets) evidence.close()
      await closed
    }
  }
}
