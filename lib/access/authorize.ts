import type { LeaveSignal } from './departure.js'
import type { AccessRequest } from './request.js'
import type { Verdict } from './verdict.js'

/**
 * Decides one access request. The steps between gate and backend all have this signature, and
 * each is a function that takes the next one.
 *
 * The signal says that the client has left: whoever has not yet spent anything on the request
 * drops it (rejecting with the signal's reason), the rest finish and nobody reads their answer.
 *
 * Rejects with `BackendUnavailable` for an outage; anything else that it rejects with is a bug,
 * and the gate denies.
 */
export type Authorize = (request: AccessRequest, signal: LeaveSignal) => Promise<Verdict>
