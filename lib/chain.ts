import type { Authorize } from './access/authorize.js'
import type { AccessRequest } from './access/request.js'
import type { BackendSettings, Settings } from './access/settings.js'
import { createBackend, type Backend } from './backend/backend.js'
import { breaker, type BreakerHooks } from './policy/breaker.js'
import { byAction } from './policy/by-action.js'
import { defaultAction, type DefaultActionOptions } from './policy/default-action.js'
import { lastVerdict } from './policy/last-verdict.js'
import { watchOutage, type OutageHooks } from './policy/outage.js'
import { createMemory, type Memory } from './policy/memory.js'
import { remember } from './policy/remember.js'
import { requestKey } from './policy/request-key.js'
import { rules } from './policy/rules.js'

/** The way of a request from the door to the backend, and back. */
export interface Chain {
  readonly authorize: Authorize
  /** Whether an earlier allow still holds for such a request, so that the backend would not be asked. */
  remembers(request: AccessRequest): boolean
  /** Forgets that a request was allowed: the next of its kind is asked anew. */
  forget(request: AccessRequest): void
  /** Closes the connections to the backends, whatever is still on its way: whoever it is for has been refused by then. */
  close(): Promise<void>
}

export interface ChainHooks extends OutageHooks, Required<BreakerHooks>, Pick<Required<DefaultActionOptions>, 'onUnavailable'> {}

/** Puts the steps together: rules, what is remembered, the default action, the breaker, the backend. */
export const createChain = (settings: Settings, hooks: ChainHooks): Chain => {
  const { play, publish } = settings
  const backends: Backend[] = []
  const allowed: Memory[] = []
  const allowedLast: Memory[] = []
  const memoryIn = (list: Memory[]): Memory => {
    const memory = createMemory()
    list.push(memory)
    return memory
  }
  const asking = (backendSettings: BackendSettings): Authorize => {
    const backend = createBackend(backendSettings)
    backends.push(backend)
    const asked = watchOutage(breaker(backend.authorize, backendSettings.breaker, hooks), hooks)
    const answered = defaultAction(lastVerdict(asked, backendSettings, memoryIn(allowedLast)), { ...backendSettings, ...hooks })
    return remember(answered, backendSettings, memoryIn(allowed))
  }
  const forPlayers = asking(play)
  const forPublishers = 'refuse' in publish || publish === play ? forPlayers : asking(publish)
  return {
    authorize: rules(byAction({ play: forPlayers, publish: forPublishers }), settings),
    remembers: (request) => allowed.some((memory) => memory.size > 0 && memory.get(requestKey(request)) !== undefined),
    forget: (request) => {
      for (const memory of [...allowed, ...allowedLast]) memory.forget(requestKey(request))
    },
    close: async () => { await Promise.all(backends.map((backend) => backend.close())) }
  }
}
