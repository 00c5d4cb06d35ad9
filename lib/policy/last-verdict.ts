import type { Authorize } from '../access/authorize.js'
import { BackendUnavailable } from '../errors.js'
import { createMemory, type Memory } from './memory.js'
import { remembered } from './remember.js'
import { requestKey } from './request-key.js'

/**
 * During an outage, lets a client in again whom the backend has allowed within `lastVerdictMs`,
 * whatever the default action. A denial ends that: the backend's last word counts.
 * With 0 the step is the next one.
 */
export const lastVerdict = (
  next: Authorize, { lastVerdictMs }: { lastVerdictMs: number }, memory: Memory = createMemory()
): Authorize => lastVerdictMs <= 0
  ? next
  : async (request, signal) => {
    const key = requestKey(request)
    try {
      const verdict = await next(request, signal)
      if (verdict.source === 'backend') {
        if (verdict.allowed) memory.set(key, verdict, lastVerdictMs)
        else memory.forget(key)
      }
      return verdict
    } catch (error) {
      const earlier = error instanceof BackendUnavailable ? memory.get(key) : undefined
      if (earlier === undefined) throw error
      return remembered(earlier, 'allowed by the backend before it became unavailable', 'last-verdict')
    }
  }
