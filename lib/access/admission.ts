import type { Place } from './place.js'
import type { AccessRequest } from './request.js'
import type { Verdict } from './verdict.js'

/** A client that was let in: what it asked for, and why it may. It goes with the client from the door to its end. */
export interface Admission {
  readonly request: AccessRequest
  /** An allow. */
  readonly verdict: Verdict
  readonly place: Place
}
