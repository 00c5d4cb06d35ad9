import type { AccessRequest } from '../access/request.js'
import type { SessionFacts } from '../observe/hub.js'
import type { Stats } from '../observe/stats.js'

/** A running session, read in place from the registry; only those shown are copied. */
export interface RunningSession {
  readonly request: AccessRequest
  /** As it is shown to people. */
  readonly shownUser?: string | undefined
  readonly startedAt: number
  record(): SessionFacts & { readonly inBytes: number, readonly outBytes: number, readonly nextCheckAt?: number }
}

/** The options in force, in words and without secrets. */
export interface InForce {
  readonly version: string
  readonly host: string
  readonly settings: readonly string[]
  readonly warnings: readonly string[]
}

/** The parts of the plugin that the admin server shows and steers; it keeps no copy of them. */
export interface Behind {
  readonly sessions: Iterable<RunningSession>
  inForce(): InForce
  stats(): Stats
  /** `undefined` while there is none. Milliseconds since 1970. */
  outage(): { readonly since: number, readonly reason: string } | undefined
  /** Whether new clients are taken: the plugin is neither closing nor draining. */
  ready(): boolean
  /** Ends sessions; resolves with their number. @param barMs - how long the same requests are refused */
  end(which: { readonly id: string } | { readonly user: string }, barMs: number): Promise<number>
  /** Reloads the section. Rejects with an HttpAuthError that says what is wrong; nothing is changed then. */
  reload(): Promise<void>
  /** Prometheus text. */
  metrics(): Promise<string>
}
