import type { LeaveSignal } from './departure.js'
import type { AccessRequest } from './request.js'
import type { Verdict } from './verdict.js'

/**
 * Decides one access request. All steps between gate and backend have this signature; each step is
 * made by a function that takes the next one.
 *
 * The signal fires when the client leaves: a step that has not started drops the request (and rejects
 * with the signal's reason); a step that has started finishes, and its verdict is ignored.
 *
 * Rejects with `BackendUnavailable` for an outage; any other rejection is a bug, and the door denies.
 */
export type Authorize = (request: AccessRequest, signal: LeaveSignal) => Promise<Verdict>
