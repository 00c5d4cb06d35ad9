import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import { createClosed, type Closed } from './closed.js'
import { createMemory } from './memory.js'
import { requestKey } from './request-key.js'

/** The requests that were allowed: each counts until it expires or its viewer is closed. */
export interface Allows {
  get(request: AccessRequest): Verdict | undefined
  set(request: AccessRequest, verdict: Verdict, forMs: number): void
  forget(key: string): void
  /** When everything remembered now will have expired. */
  readonly until: number
}

/** A hash costs a tenth of a request to the backend, so none is computed while nothing is remembered. */
export const createAllows = (closed: Closed = createClosed(), memory = createMemory()): Allows => ({
  get: (request) => memory.size === 0 ? undefined : memory.get(requestKey(request), closed.at(request)),
  set: (request, verdict, forMs) => memory.set(requestKey(request), verdict, forMs),
  forget: memory.forget,
  get until() { return memory.until }
})
