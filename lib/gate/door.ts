import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'

/** Frees a place among the held clients; calling it again does nothing. */
export type Release = () => void

/** What every gate has behind it. */
export interface Door {
  /**
   * Takes a place among the held clients for an address, or `undefined` if a limit is reached:
   * the caller then refuses with `overloaded`.
   */
  hold(ip: string): Release | undefined
  /**
   * Decides. Never rejects: a bug denies and is logged. The signal says that the client left.
   * The verdict has been counted, logged and published when this resolves.
   */
  decide(request: AccessRequest, signal: AbortSignal): Promise<Verdict>
  /** Counts, logs and publishes a verdict that a gate reached by itself (malformed, overload). */
  report(request: AccessRequest, verdict: Verdict): void
}
