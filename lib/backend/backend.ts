import type { Authorize } from '../access/authorize.js'
import type { BackendSettings } from '../access/settings.js'
import type { Clock } from './evidence.js'
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

/** The service that is asked, at one URL or several. */
export interface Backend {
  /**
   * Asks. Resolves with `backend` verdicts; with `unanswered` where the backend answers others, with
   * `overload` where nobody knows whether it does or this process could not ask, and with `malformed`
   * where no request can be made of what the client sent.
   * Rejects with `BackendUnavailable`, whose message says for the operator what failed and where, once
   * every URL is proven to be down.
   */
  readonly authorize: Authorize
  /** Asks every URL the neutral question, which at the earliest happens a second after the last time. */
  probe(): Promise<readonly Probed[]>
  /** Calls back whenever one of the URLs has answered anybody, probes included. */
  onAnswer(listener: () => void): void
  /** One entry for each URL, in their order. */
  stats(): readonly TargetStats[]
  /** Closes every connection at once; who still waits for an answer is denied, with `overload`. */
  close(): Promise<void>
}

export interface BackendHooks {
  /** A question is over, whatever came of it. */
  readonly onAsked?: OnAsked
  readonly now?: Clock
  /** What is known of each URL, shared with other backends. */
  readonly outlook?: Outlook
  /** The probe of the URL at this host and port is not answered while clients are. */
  readonly onUselessProbe?: (at: string) => void
}

/**
 * Makes the backend; connects when it is first asked.
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
