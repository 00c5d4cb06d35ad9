import type { AccessRequest } from './request.js'
import type { Verdict } from './verdict.js'

/**
 * How a session ends: its client `left`; an HLS or file session was `idle`; it was `closed` by an operator or
 * app (NMS's admin API, `notify.url`, the handle); a newcomer took its place (`limit`); the backend
 * `denied` a re-check; re-checks got no answer for too long (`stale`); the same device took over
 * (`replaced`); NMS refused it after its start (`refused`); it crossed a bound in bytes (`overflow`);
 * its bytes made NMS throw (`error`); the plugin was detached and the stream goes on (`detached`);
 * NMS was stopped (`stopped`).
 */
export type EndReason =
  'left' | 'idle' | 'closed' | 'limit' | 'denied' | 'stale' | 'replaced' | 'refused' | 'overflow' | 'error' | 'detached' | 'stopped'

/** A client that NMS serves, as the host sees it. */
export interface ServedClient {
  /** `address:port`, as NMS formats it. */
  readonly address: string
  readonly inBytes: number
  readonly outBytes: number
  /**
   * How long it has been silent, in milliseconds: since its last request, or since its non-empty send queue
   * last shrank; 0 if it reads what it is sent.
   */
  quietMs(): number
  /** After this much silence it counts as gone, in milliseconds. */
  goneAfterMs(): number
  /**
   * Ends its stream and its connection.
   * @param message - for the viewer, if the protocol can carry one; ASCII, at most 120 characters
   */
  close(message?: string): void
}

/**
 * How an admitted client claims a place of its user's limit: `any` takes one, even if another session has to
 * end for it; `free` takes one only if one is free; `none` takes none yet (HEAD). Live clients take theirs at the begin.
 */
export type Claim = 'any' | 'free' | 'none'

/**
 * Ends a session; only the first end counts.
 * @param detail - what its client did, for the log: of `overflow` and `error`
 */
export type End = (reason: EndReason, detail?: string) => void

/**
 * An admitted client's entry in the registry: reserved with the verdict, running from `begin`, over
 * with `end`. Whoever holds the client (a socket, a response) ends it, whether it has begun or not, so
 * that each begin has exactly one end.
 */
export interface Place {
  readonly request: AccessRequest
  /** Set once it is over. */
  readonly endReason: EndReason | undefined
  /**
   * NMS has begun to serve the client. If it was ended before, it begins and ends at once.
   * @param kept - a copy of the request that keeps no larger buffer alive
   */
  begin(client: ServedClient, kept?: AccessRequest): End
  /** The session is over. Nothing is reported about one that never began. */
  end: End
  /** The same device takes over its own stream: it ends as `replaced`. */
  replacedBy(newcomer: AccessRequest): void
  /**
   * For file sessions, which begin before anything is served: takes a place of the user's limit.
   * Returns a denial if there is none.
   * @param mayEnd - whether another session may be ended for it
   */
  take(mayEnd: boolean): Verdict | undefined
  /** Gives the place back, because there was nothing to serve. */
  giveBack(): void
  /** Called when the client keeps asking after its session ended, and is put off. */
  asksOn(): void
}
