import type { Authorize } from '../access/authorize.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'

export interface DefaultActionOptions {
  readonly defaultAction: 'allow' | 'deny'
  /** Called for each request during the outage, with its verdict. */
  readonly onUnavailable?: (request: AccessRequest, verdict: Verdict, error: BackendUnavailable) => void
}

/** What a client is told about an outage: plain ASCII and short. */
const outageReason = ({ forClients }: BackendUnavailable): string => forClients.replace(/[^\x20-\x7e]/g, '?').slice(0, 120)

/** The one place that turns an outage into a verdict. Every other error goes on to the door, which denies. */
export const defaultAction = (next: Authorize, { defaultAction: action, onUnavailable }: DefaultActionOptions): Authorize =>
  (request, signal) => next(request, signal).catch((error: unknown) => {
    if (!(error instanceof BackendUnavailable)) throw error
    const verdict: Verdict = {
      allowed: action === 'allow',
      source: 'default',
      reason: `backend unavailable (${outageReason(error)}), default action is ${action}`
    }
    onUnavailable?.(request, verdict, error)
    return verdict
  })
