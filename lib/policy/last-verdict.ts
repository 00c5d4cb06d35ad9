import type { Authorize } from '../access/authorize.js'
import { BackendUnavailable } from '../errors.js'
import { createAllows, type Allows } from './allows.js'
import { remembered } from './remember.js'
import { requestKey } from './request-key.js'

/**
 * During an outage, lets a client in again if the backend has allowed it within `lastVerdictMs`,
 * whatever the default action. A later denial revokes that. With 0 this step does nothing.
 */
export const lastVerdict = (
  next: Authorize, { lastVerdictMs }: { lastVerdictMs: number }, allows: Allows = createAllows()
): Authorize => lastVerdictMs <= 0
  ? next
  : async (request, signal) => {
    try {
      const verdict = await next(request, signal)
      if (verdict.source === 'backend') {
        if (verdict.allowed) allows.set(request, verdict, lastVerdictMs)
        else allows.forget(requestKey(request))
      }
      return verdict
    } catch (error) {
      const earlier = error instanceof BackendUnavailable ? allows.get(request) : undefined
      if (earlier === undefined) throw error
      return remembered(earlier, 'allowed by the backend before it became unavailable', 'last-verdict')
    }
  }
