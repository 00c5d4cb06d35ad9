import type { Place } from './place.js'
import type { AccessRequest } from './request.js'
import type { Verdict } from './verdict.js'

/** An admitted client: its request and its verdict. It accompanies the client from the door to its end. */
export interface Admission {
  readonly request: AccessRequest
  /** An allow. */
  readonly verdict: Verdict
  readonly place: Place
}
