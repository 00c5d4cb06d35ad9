import type { AccessRequest } from './request.js'
import type { Verdict } from './verdict.js'

/**
 * How a session ends: its client `left`; an HLS or file session was `idle`; somebody `closed` it (NMS's
 * admin API, `notify.url`, the app, the handle); a newcomer took its place (`limit`); the backend
 * `denied` a re-check; the backend was out for too long to go on without one (`stale`); the same device took over
 * (`replaced`); NMS refused it after its start (`refused`); a bound in bytes was crossed (`overflow`);
 * what the client sent made NMS throw (`error`); the plugin was closed and the stream goes on (`detached`);
 * NMS was stopped (`stopped`).
 */
export type EndReason =
  'left' | 'idle' | 'closed' | 'limit' | 'denied' | 'stale' | 'replaced' | 'refused' | 'overflow' | 'error' | 'detached' | 'stopped'

/** A client that NMS serves, as its host sees it. */
export interface ServedClient {
  /** `address:port`, as NMS has it. */
  readonly address: string
  readonly inBytes: number
  readonly outBytes: number
  /**
   * How long it has taken nothing, in milliseconds: since its last request, or since a send queue that is not
   * empty has moved; 0 for who takes what it is sent.
   */
  quietMs(): number
  /** After so long a quiet it is gone without having said so, in milliseconds. */
  goneAfterMs(): number
  /**
   * Ends its stream and its connection.
   * @param message - for the viewer, where the protocol has words for it; ASCII, at most 120 characters
   */
  close(message?: string): void
}

/**
 * What a client that is let in does with its user's limit: `any` takes a place, and somebody may have to go
 * for it; `free` takes one if one is free; `none` takes none yet (HEAD). Live clients take theirs at the begin.
 */
export type Claim = 'any' | 'free' | 'none'

/** Ends a session; only the first end counts. */
export type End = (reason: EndReason) => void

/**
 * What an admitted client has in the registry: reserved with the verdict, running from `begin`, over
 * with `end`. Whoever holds the client (a socket, a response) ends it with that, whether it has
 * begun or not, so that each begin has one end.
 */
export interface Place {
  readonly request: AccessRequest
  /** Of one that is over. */
  readonly endReason: EndReason | undefined
  /**
   * NMS has begun to serve the client. Where it was ended before, it begins and ends at once.
   * @param kept - the request in memory of its own, where it would otherwise keep more alive
   */
  begin(client: ServedClient, kept?: AccessRequest): End
  /** The session is over; of one that has not begun nobody hears. */
  end: End
  /**
   * For sessions of files, which begin before they are served anything: takes a place of the user's limit.
   * A denial if there is none.
   * @param mayEnd - whether somebody else may have to go for it
   */
  take(mayEnd: boolean): Verdict | undefined
  /** Gives that back: there was nothing to be served. */
  giveBack(): void
  /** Its client asks on although it was ended just now, and is not heard. */
  asksOn(): void
}
