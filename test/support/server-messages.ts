import type { AccessRequest } from '../../lib/access/request.js'
import type { Verdict } from '../../lib/access/verdict.js'
import type { Outage } from '../../lib/observe/hub.js'
import type { SessionRecord } from '../../lib/sessions/record.js'
import type { Options } from '../../lib/options/options.js'

/** Where a server listens. */
export interface Ports { readonly rtmp: number, readonly rtmps: number, readonly http: number, readonly https: number }

/** One event of node-media-server's own emitter. */
export interface NmsEvent {
  readonly event: 'prePlay' | 'postPlay' | 'donePlay' | 'prePublish' | 'postPublish' | 'donePublish' | 'postRecord' | 'doneRecord'
  readonly id: string
  /** `address:port`; empty for recordings. */
  readonly ip: string
  readonly protocol: string
  readonly streamPath: string
  readonly streamQuery: unknown
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What the plugin decided, and when. */
export interface Decided { readonly request: AccessRequest, readonly verdict: Verdict, readonly at: number }

/** What the child process is started with. */
export interface Start {
  readonly config: object
  readonly options: Options | false | null
  readonly attach: 'before-run' | 'after-run' | 'never'
}

/** From the test to the server's process. */
export type Order =
  | { readonly is: 'start', readonly start: Start }
  | { readonly is: 'evaluate', readonly id: number, readonly source: string, readonly argument: unknown }
  | { readonly is: 'stop' }

/** A begin or an end, and when, in milliseconds since 1970. */
export interface SessionEvent { readonly event: 'start' | 'end', readonly session: SessionRecord, readonly at: number }

/** From the server's process to the test. */
export type Report =
  | { readonly is: 'ready' }
  | { readonly is: 'started', readonly ports: Partial<Ports> }
  | { readonly is: 'failed', readonly error: Failure }
  | { readonly is: 'evaluated', readonly id: number, readonly value?: unknown, readonly error?: Failure }
  | { readonly is: 'nms', readonly event: NmsEvent }
  | { readonly is: 'verdict', readonly decided: Decided }
  | { readonly is: 'unavailable', readonly outage: Outage }
  | { readonly is: 'session' } & SessionEvent

export interface Failure { readonly name: string, readonly message: string, readonly code?: string, readonly stack?: string }
