import type { Authorize } from '../access/authorize.js'
import { isForFiles, type AccessRequest } from '../access/request.js'
import type { BackendSettings, Settings } from '../access/settings.js'
import { createBackend, createOutlook, placeOf, probeWarnings, type Backend, type OnAsked } from '../backend/backend.js'
import type { BackendState } from '../observe/stats.js'
import { breaker, type Breaker, type BreakerHooks } from '../policy/breaker.js'
import { byAction } from '../policy/by-action.js'
import { dryRun } from '../policy/dry-run.js'
import { defaultAction, type DefaultActionOptions } from '../policy/default-action.js'
import { lastVerdict } from '../policy/last-verdict.js'
import { watchOutage, type OutageHooks, type OutageWatch } from '../policy/outage.js'
import { createAllows, type Allows } from '../policy/allows.js'
import { createClosed } from '../policy/closed.js'
import { remember } from '../policy/remember.js'
import { createDenials, keepDenial, rememberDenial } from '../policy/remember-denial.js'
import { requestKey } from '../policy/request-key.js'
import type { SharedMemory } from '../policy/shared-memory.js'
import { rules } from '../policy/rules.js'
import { viewerKey } from '../policy/viewer-key.js'

/** The path of a request from the door to the backend and back. */
export interface Chain {
  readonly authorize: Authorize
  /**
   * Asks the backend about a running session: only breaker and backend are involved. Rejects with `BackendUnavailable`,
   * which counts for the breaker but not as a failed request of the outage.
   */
  readonly recheck: Authorize
  /** Whether an earlier allow still covers this request, so that the backend would not be asked. */
  remembers(request: AccessRequest): boolean
  /**
   * Forgets that a request was allowed: the backend is asked about the next one like it. For a viewer of files this
   * forgets everything the viewer was allowed, including other directories and longer queries.
   */
  forget(request: AccessRequest): void
  /** The same, with keys from another server. */
  forgetKeys(keys: readonly string[], viewers: readonly string[]): void
  /** Sends each backend the probe; resolves with what the operator should know about the answers, one line each. */
  probe(): Promise<readonly string[]>
  /** The state of each backend, in the order of the URLs; the publishers' ones come last if they differ. */
  backends(): BackendState[]
  /** A chain with other rules for the same backends; it keeps everything that is remembered. */
  withRules(settings: Settings): Chain
  /** Closes the connections to the backends, even with requests in flight: their clients have been refused by then. */
  close(): Promise<void>
}

export interface ChainHooks extends OutageHooks, Required<BreakerHooks>, Pick<Required<DefaultActionOptions>, 'onUnavailable'> {
  /** Called after each request to a backend for a client or a running session; `at` is the backend's host and port. */
  readonly onAsked?: OnAsked
  /** The backend at this host and port answers clients but not the probe, so only a refused connection proves an outage. */
  readonly onUselessProbe?: (at: string) => void
}

/** Whether the backend answered the probe at any of its URLs, or accepted it at one and did not answer. */
const probeOf = (backend: Backend) => async (): Promise<'answered' | 'silent' | 'failed'> => {
  const outcomes = (await backend.probe()).map(({ outcome }) => outcome)
  if (outcomes.some(({ is }) => is === 'answered')) return 'answered'
  return outcomes.some((outcome) => outcome.is === 'failed' && outcome.connected) ? 'silent' : 'failed'
}

/** Puts the steps together: rules, memory, default action, breaker, backend. */
export const createChain = (settings: Settings, hooks: ChainHooks, shared?: SharedMemory): Chain => {
  const { play, publish } = settings
  const outlook = createOutlook(() => performance.now(), hooks.onUselessProbe)
  const asked: { readonly backend: Backend, readonly breaker: Breaker, readonly outage: OutageWatch }[] = []
  const closed = createClosed()
  const allowed: Allows[] = []
  const allowedLast: Allows[] = []
  const allowsIn = (list: Allows[]): Allows => {
    const allows = createAllows(closed)
    list.push(allows)
    return allows
  }
  const asking = (backendSettings: BackendSettings): { authorize: Authorize, recheck: Authorize } => {
    const backend = createBackend(backendSettings, { outlook, ...(hooks.onAsked && { onAsked: hooks.onAsked }) })
    const { onAnswer } = backend
    const guarded = breaker(backend.authorize, backendSettings.breaker, { probe: probeOf(backend), onAnswer }, hooks)
    const outage = watchOutage(guarded.authorize, onAnswer, hooks)
    asked.push({ backend, breaker: guarded, outage })
    const [allows, last, denials] = [allowsIn(allowed), allowsIn(allowedLast), createDenials()]
    const answered = defaultAction(lastVerdict(outage.authorize, backendSettings, last), { ...backendSettings, ...hooks })
    /** An allow renews what is remembered, and a denial is remembered like any other. */
    const recheck: Authorize = (request, signal) => guarded.authorize(request, signal).then((verdict) => {
      keepDenial(denials, request, verdict, backendSettings.rememberDenialMs)
      if (!verdict.allowed || verdict.source !== 'backend') return verdict
      const forMs = verdict.validForMs ?? backendSettings.rememberMs
      if (forMs > 0) {
        allows.set(request, verdict, forMs)
        void shared?.remember(request, verdict, forMs)
      }
      if (backendSettings.lastVerdictMs > 0) last.set(request, verdict, backendSettings.lastVerdictMs)
      return verdict
    })
    // Denials come first: a flood of guesses then causes no look-ups in the store.
    return { authorize: rememberDenial(remember(answered, backendSettings, allows, shared), backendSettings, denials), recheck }
  }
  const forPlayers = asking(play)
  const forPublishers = 'refuse' in publish || publish === play ? forPlayers : asking(publish)
  const forgetKeys: Chain['forgetKeys'] = (keys, viewers) => {
    const all = [...allowed, ...allowedLast]
    for (const allows of all) for (const key of keys) allows.forget(key)
    for (const viewer of viewers) closed.add(viewer, Math.max(...all.map(({ until }) => until)))
  }
  const answered = byAction({ play: forPlayers.authorize, publish: forPublishers.authorize })
  const ruled = (by: Settings): Authorize => dryRun(rules(answered, by), by)
  const chain: Chain = {
    authorize: ruled(settings),
    withRules: (by) => ({ ...chain, authorize: ruled(by) }),
    recheck: byAction({ play: forPlayers.recheck, publish: forPublishers.recheck }),
    remembers: (request) => allowed.some((allows) => allows.get(request) !== undefined),
    forget: (request) => forgetKeys([requestKey(request)], isForFiles(request) ? [viewerKey(request)] : []),
    forgetKeys,
    probe: async () => [...new Set((await Promise.all(asked.map(async ({ backend }) => probeWarnings(await backend.probe())))).flat())],
    backends: () => asked.flatMap(({ backend, breaker: { isOpen }, outage: { isOn } }) => backend.stats().map(({ origin, answers, waiting, latencyMs }) => (
      { at: placeOf(origin), up: !isOn, breakerOpen: isOpen, answers, waiting, ...(latencyMs !== undefined && { latencyMs }) }))),
    close: async () => {
      for (const each of asked) each.breaker.close()
      await Promise.all(asked.map(({ backend }) => backend.close()))
    }
  }
  return chain
}
