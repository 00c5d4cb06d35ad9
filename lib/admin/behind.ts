import type { AccessRequest } from '../access/request.js'
import type { SessionFacts } from '../observe/hub.js'
import type { Stats } from '../observe/stats.js'

/** A session that runs, as the registry has it: read in place, and copied only for whoever is shown it. */
export interface RunningSession {
  readonly request: AccessRequest
  /** As people are shown it. */
  readonly shownUser?: string | undefined
  readonly startedAt: number
  record(): SessionFacts & { readonly inBytes: number, readonly outBytes: number, readonly nextCheckAt?: number }
}

/** What is in force, for people; no secrets in it. */
export interface InForce {
  readonly version: string
  readonly host: string
  readonly settings: readonly string[]
  readonly warnings: readonly string[]
}

/** What the admin server shows and does: all of it is the plugin's, nothing is kept here a second time. */
export interface Behind {
  readonly sessions: Iterable<RunningSession>
  inForce(): InForce
  stats(): Stats
  /** `undefined` while there is none. Milliseconds since 1970. */
  outage(): { readonly since: number, readonly reason: string } | undefined
  /** Whether newcomers are taken: neither closing nor draining. */
  ready(): boolean
  /** Ends sessions; resolves with how many. @param barMs - keeps the same request out that long */
  end(which: { readonly id: string } | { readonly user: string }, barMs: number): Promise<number>
  /** Reads the section again. Rejects with an HttpAuthError that says what is wrong; all is then as it was. */
  reload(): Promise<void>
  /** Prometheus text. */
  metrics(): Promise<string>
}
