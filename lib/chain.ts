import type { Authorize } from './access/authorize.js'
import type { AccessRequest } from './access/request.js'
import type { BackendSettings, Settings } from './access/settings.js'
import { createBackend, createOutlook, placeOf, probeWarnings, type Backend, type OnAsked } from './backend/backend.js'
import type { BackendState } from './observe/stats.js'
import { breaker, type Breaker, type BreakerHooks } from './policy/breaker.js'
import { byAction } from './policy/by-action.js'
import { dryRun } from './policy/dry-run.js'
import { defaultAction, type DefaultActionOptions } from './policy/default-action.js'
import { lastVerdict } from './policy/last-verdict.js'
import { watchOutage, type OutageHooks, type OutageWatch } from './policy/outage.js'
import { createMemory, type Memory } from './policy/memory.js'
import { remember } from './policy/remember.js'
import { createDenials, keepDenial, rememberDenial } from './policy/remember-denial.js'
import { requestKey } from './policy/request-key.js'
import type { SharedMemory } from './policy/shared-memory.js'
import { rules } from './policy/rules.js'

/** The way of a request from the door to the backend, and back. */
export interface Chain {
  readonly authorize: Authorize
  /**
   * Asks the backend about a session that is in already: breaker and backend alone. Rejects with
   * `BackendUnavailable`, which counts for the breaker and not for the outage's number of requests.
   */
  readonly recheck: Authorize
  /** Whether an earlier allow still holds for such a request, so that the backend would not be asked. */
  remembers(request: AccessRequest): boolean
  /** Forgets that a request was allowed: the next of its kind is asked anew. */
  forget(request: AccessRequest): void
  /** The same by keys that another server names. */
  forgetKeys(keys: readonly string[]): void
  /** Asks each backend the neutral question, and resolves with what the operator should know of it, one line each. */
  probe(): Promise<readonly string[]>
  /** How each backend is doing, in the order of their URLs, those of publishers last if they differ. */
  backends(): BackendState[]
  /** A chain with other rules before the same backends, with all that is remembered of them. */
  withRules(settings: Settings): Chain
  /** Closes the connections to the backends, whatever is still on its way: whoever it is for has been refused by then. */
  close(): Promise<void>
}

export interface ChainHooks extends OutageHooks, Required<BreakerHooks>, Pick<Required<DefaultActionOptions>, 'onUnavailable'> {
  /** A question of a client's, or about a session that runs, is over; `at` is host and port of the backend. */
  readonly onAsked?: OnAsked
  /** The backend at this host and port answers clients and not the probe, so that only a refused connection proves an outage. */
  readonly onUselessProbe?: (at: string) => void
}

/** Whether the backend answered the probe at any of its URLs, or took the question at one and said nothing. */
const probeOf = (backend: Backend) => async (): Promise<'answered' | 'silent' | 'failed'> => {
  const outcomes = (await backend.probe()).map(({ outcome }) => outcome)
  if (outcomes.some(({ is }) => is === 'answered')) return 'answered'
  return outcomes.some((outcome) => outcome.is === 'failed' && outcome.connected) ? 'silent' : 'failed'
}

/** Puts the steps together: rules, what is remembered, the default action, the breaker, the backend. */
export const createChain = (settings: Settings, hooks: ChainHooks, shared?: SharedMemory): Chain => {
  const { play, publish } = settings
  const outlook = createOutlook(() => performance.now(), hooks.onUselessProbe)
  const asked: { readonly backend: Backend, readonly breaker: Breaker, readonly outage: OutageWatch }[] = []
  const allowed: Memory[] = []
  const allowedLast: Memory[] = []
  const memoryIn = (list: Memory[]): Memory => {
    const memory = createMemory()
    list.push(memory)
    return memory
  }
  const asking = (backendSettings: BackendSettings): { authorize: Authorize, recheck: Authorize } => {
    const backend = createBackend(backendSettings, { outlook, ...(hooks.onAsked && { onAsked: hooks.onAsked }) })
    const { onAnswer } = backend
    const guarded = breaker(backend.authorize, backendSettings.breaker, { probe: probeOf(backend), onAnswer }, hooks)
    const outage = watchOutage(guarded.authorize, onAnswer, hooks)
    asked.push({ backend, breaker: guarded, outage })
    const [memory, last, denials] = [memoryIn(allowed), memoryIn(allowedLast), createDenials()]
    const answered = defaultAction(lastVerdict(outage.authorize, backendSettings, last), { ...backendSettings, ...hooks })
    /** Its 200 renews what is remembered, its denial is kept as any other. */
    const recheck: Authorize = (request, signal) => guarded.authorize(request, signal).then((verdict) => {
      keepDenial(denials, request, verdict, backendSettings.rememberDenialMs)
      if (!verdict.allowed || verdict.source !== 'backend') return verdict
      const forMs = verdict.validForMs ?? backendSettings.rememberMs
      if (forMs > 0) {
        memory.set(requestKey(request), verdict, forMs)
        void shared?.remember(request, verdict, forMs)
      }
      if (backendSettings.lastVerdictMs > 0) last.set(requestKey(request), verdict, backendSettings.lastVerdictMs)
      return verdict
    })
    // Denials first: a flood of guesses costs the store no look-ups.
    return { authorize: rememberDenial(remember(answered, backendSettings, memory, shared), backendSettings, denials), recheck }
  }
  const forPlayers = asking(play)
  const forPublishers = 'refuse' in publish || publish === play ? forPlayers : asking(publish)
  const forgetKeys: Chain['forgetKeys'] = (keys) => {
    for (const memory of [...allowed, ...allowedLast]) for (const key of keys) memory.forget(key)
  }
  const answered = byAction({ play: forPlayers.authorize, publish: forPublishers.authorize })
  const ruled = (by: Settings): Authorize => dryRun(rules(answered, by), by)
  const chain: Chain = {
    authorize: ruled(settings),
    withRules: (by) => ({ ...chain, authorize: ruled(by) }),
    recheck: byAction({ play: forPlayers.recheck, publish: forPublishers.recheck }),
    remembers: (request) => allowed.some((memory) => memory.size > 0 && memory.get(requestKey(request)) !== undefined),
    forget: (request) => forgetKeys([requestKey(request)]),
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
