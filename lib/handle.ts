import { EventEmitter } from 'node:events'
import type { Registry } from 'prom-client'
import type { AccessRequest } from './access/request.js'
import type { Verdict } from './access/verdict.js'
import type { SessionRecord } from './sessions/record.js'
import type { Selector } from './sessions/registry.js'
import type { Options } from './options/options.js'
import type { Outage } from './observe/hub.js'
import type { Stats } from './observe/stats.js'

/** Options of `auth.end()`. */
export interface EndOptions {
  /** Message for the viewer over RTMP and WebSocket: printable ASCII, at most 120 characters. Default none. */
  readonly message?: string
  /** How long the same request is refused, in milliseconds. Default 0: the backend is asked again. */
  readonly barMs?: number
}

/** The handle's events, with their listeners' arguments. */
export interface HttpAuthEvents {
  /** An access request was decided, by whichever source. */
  verdict: [request: AccessRequest, verdict: Verdict]
  /** An outage of the backend begins or ends. */
  unavailable: [outage: Outage]
  /** A session begins or ends; at its end the record has the `endReason`. */
  session: [event: 'start' | 'end', session: SessionRecord]
}

/**
 * What `httpAuth()` returns.
 *
 * Errors that a listener throws or rejects with are logged and never change a verdict.
 */
export class HttpAuth extends EventEmitter<HttpAuthEvents> {
  /** Counts by action, protocol and verdict source; how many clients are held now; the backend's latency. */
  readonly stats: () => Stats
  /**
   * Detaches the plugin: refuses held clients, restores every listener and method of NMS it replaced, and closes its
   * connections to the backend. Running streams go on; new clients are unguarded. Calling it again has no effect.
   */
  readonly close: () => Promise<void>
  /**
   * Takes the server out of service: new clients get a 503, running sessions may go on for `ms` milliseconds (default:
   * the option `drainMs`), then they end and node-media-server is stopped. Meanwhile `/ready` answers 503. Resolves
   * when the server has stopped; calling it again has no effect.
   */
  readonly drain: (ms?: number) => Promise<void>
  /**
   * Applies new options: these, or the section `httpAuth` of node-media-server's config file. Running sessions stay;
   * held clients are decided by the old options. Remembered verdicts are dropped if the backends changed. `admin` and
   * `store` cannot change; the error names the one that did. Rejects with an HttpAuthError `ERR_OPTIONS` that says what
   * is wrong; then nothing has changed.
   */
  readonly reload: (options?: Options) => Promise<void>
  /** All running sessions, the oldest first. */
  readonly sessions: () => SessionRecord[]
  /**
   * Ends a session, or all of a user's. Their remembered allows are forgotten, so the backend is asked again when they
   * come back. Resolves with the number of sessions ended on this server.
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
   * Prometheus metrics for a route of your own: a registry of prom-client, which is loaded on first access. Counters
   * start when the plugin attaches, durations at this first access.
   */
  get metrics(): Registry {
    return this.#metrics()
  }
}
