import type { Authorize } from './access/authorize.js'
import type { AccessRequest } from './access/request.js'
import type { BackendSettings, Settings } from './access/settings.js'
import { createBackend, type Backend } from './backend/backend.js'
import type { BackendState } from './observe/stats.js'
import { breaker, type BreakerHooks } from './policy/breaker.js'
import { byAction } from './policy/by-action.js'
import { defaultAction, type DefaultActionOptions } from './policy/default-action.js'
import { lastVerdict } from './policy/last-verdict.js'
import { watchOutage, type OutageHooks } from './policy/outage.js'
import { createMemory, type Memory } from './policy/memory.js'
import { remember } from './policy/remember.js'
import { requestKey } from './policy/request-key.js'
import type { SharedMemory } from './policy/shared-memory.js'
import { rules } from './policy/rules.js'

/** The way of a request from the door to the backend, and back. */
export interface Chain {
  readonly authorize: Authorize
  /** Whether an earlier allow still holds for such a request, so that the backend would not be asked. */
  remembers(request: AccessRequest): boolean
  /** Forgets that a request was allowed: the next of its kind is asked anew. */
  forget(request: AccessRequest): void
  /** The same by keys that another server names. */
  forgetKeys(keys: readonly string[]): void
  /** How each backend is doing, in the order of their URLs, those of publishers last if they differ. */
  backends(): BackendState[]
  /** Closes the connections to the backends, whatever is still on its way: whoever it is for has been refused by then. */
  close(): Promise<void>
}

export interface ChainHooks extends OutageHooks, Required<BreakerHooks>, Pick<Required<DefaultActionOptions>, 'onUnavailable'> {}

const placeOf = (origin: string): string => {
  const { protocol, hostname, port } = new URL(origin)
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

/** Puts the steps together: rules, what is remembered, the default action, the breaker, the backend. */
export const createChain = (settings: Settings, hooks: ChainHooks, shared?: SharedMemory): Chain => {
  const { play, publish } = settings
  const backends: { readonly backend: Backend, up: boolean, breakerOpen: boolean }[] = []
  const allowed: Memory[] = []
  const allowedLast: Memory[] = []
  const memoryIn = (list: Memory[]): Memory => {
    const memory = createMemory()
    list.push(memory)
    return memory
  }
  const asking = (backendSettings: BackendSettings): Authorize => {
    const backend = createBackend(backendSettings)
    const state = { backend, up: true, breakerOpen: false }
    backends.push(state)
    const asked = watchOutage(breaker(backend.authorize, backendSettings.breaker, {
      onOpen: (reason) => { state.breakerOpen = true; hooks.onOpen(reason) },
      onClose: () => { state.breakerOpen = false; hooks.onClose() }
    }), {
      onBegin: (reason) => { state.up = false; hooks.onBegin(reason) },
      onEnd: (requests, reason) => { state.up = true; hooks.onEnd(requests, reason) }
    })
    const answered = defaultAction(lastVerdict(asked, backendSettings, memoryIn(allowedLast)), { ...backendSettings, ...hooks })
    return remember(answered, backendSettings, memoryIn(allowed), shared)
  }
  const forPlayers = asking(play)
  const forPublishers = 'refuse' in publish || publish === play ? forPlayers : asking(publish)
  const forgetKeys: Chain['forgetKeys'] = (keys) => {
    for (const memory of [...allowed, ...allowedLast]) for (const key of keys) memory.forget(key)
  }
  return {
    authorize: rules(byAction({ play: forPlayers, publish: forPublishers }), settings),
    remembers: (request) => allowed.some((memory) => memory.size > 0 && memory.get(requestKey(request)) !== undefined),
    forget: (request) => forgetKeys([requestKey(request)]),
    forgetKeys,
    backends: () => backends.flatMap(({ backend, up, breakerOpen }) => backend.stats().map(({ origin, answers, waiting, latencyMs }) => (
      { at: placeOf(origin), up, breakerOpen, answers, waiting, ...(latencyMs !== undefined && { latencyMs }) }))),
    close: async () => { await Promise.all(backends.map(({ backend }) => backend.close())) }
  }
}
