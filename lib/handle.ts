import { EventEmitter } from 'node:events'
import type { Registry } from 'prom-client'
import type { AccessRequest } from './access/request.js'
import type { Verdict } from './access/verdict.js'
import type { SessionRecord } from './sessions/record.js'
import type { Selector } from './sessions/registry.js'
import type { Options } from './options/options.js'
import type { Outage } from './observe/hub.js'
import type { Stats } from './observe/stats.js'

/** How a session is ended by the operator. */
export interface EndOptions {
  /** What its viewer is told, over RTMP and WebSocket: printable ASCII, at most 120 characters. Default nothing. */
  readonly message?: string
  /** How long the same request is refused, in milliseconds. Default 0: it is asked about again. */
  readonly barMs?: number
}

/** The events of the handle, with what their listeners are given. */
export interface HttpAuthEvents {
  /** An access request was decided, by whomever. */
  verdict: [request: AccessRequest, verdict: Verdict]
  /** An outage of the backend begins or ends. */
  unavailable: [outage: Outage]
  /** A client that was let in begins or ends; the record of an end says how (`endReason`). */
  session: [event: 'start' | 'end', session: SessionRecord]
}

/**
 * What `httpAuth()` returns.
 *
 * Nothing that a listener throws, or rejects with, changes a verdict: it is logged.
 */
export class HttpAuth extends EventEmitter<HttpAuthEvents> {
  /** Counts by action, protocol and verdict source; who is held now; the backend's latency. */
  readonly stats: () => Stats
  /**
   * Gives NMS back to itself: refuses those who are held, puts back every listener and method that
   * was replaced, closes the connections to the backend. Streams that run go on; clients that come
   * later reach NMS as if the plugin had never been there. Calling it again changes nothing.
   */
  readonly close: () => Promise<void>
  /**
   * Takes the server out of service: newcomers get a 503, those who are in go on for so many milliseconds
   * (default: the option `drainMs`), then their sessions end and node-media-server is stopped. `/ready` says 503
   * meanwhile. Resolves when all is over; calling it again changes nothing.
   */
  readonly drain: (ms?: number) => Promise<void>
  /**
   * Reads the options again: these, or the section `httpAuth` of node-media-server's config file. Who is in stays, who
   * waits is decided by what was in force. What was remembered goes if the backends changed. `admin`, `store` and
   * `proxyProtocol` cannot change.
   * Rejects with HttpAuthError `ERR_OPTIONS` that says what is wrong; all is then as it was.
   */
  readonly reload: (options?: Options) => Promise<void>
  /** Everybody who is in now, the oldest first. */
  readonly sessions: () => SessionRecord[]
  /**
   * Ends a session, or all of a user's. What was remembered of their allows is forgotten, so the
   * backend is asked again when they come back. Resolves with how many were ended.
   */
  readonly end: (which: Selector, options?: EndOptions) => Promise<number>

  readonly #metrics: () => Registry

  constructor(stats: () => Stats, { close, drain, reload, sessions, end }: Pick<HttpAuth, 'close' | 'drain' | 'reload' | 'sessions' | 'end'>, metrics: () => Registry) {
    super()
    this.stats = stats
    this.close = close
    this.drain = drain
    this.reload = reload
    this.sessions = sessions
    this.end = end
    this.#metrics = metrics
  }

  /**
   * Prometheus metrics for a route of your own: a registry of prom-client, which is loaded when this is
   * first read. Counters count from the attach on, durations from this first reading.
   */
  get metrics(): Registry {
    return this.#metrics()
  }
}

/** Calls the listeners one by one, so that one that fails hurts nobody else. */
export const publish = <K extends keyof HttpAuthEvents>(
  handle: HttpAuth, onError: (event: K, error: unknown) => void, event: K, ...args: HttpAuthEvents[K]
): void => {
  for (const listener of handle.rawListeners(event) as ((...given: HttpAuthEvents[K]) => unknown)[]) {
    try {
      const result = listener.apply(handle, args)
      if (result instanceof Promise) result.catch((error: unknown) => onError(event, error))
    } catch (error) {
      onError(event, error)
    }
  }
}
