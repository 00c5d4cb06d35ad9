import type { IdentityPart } from './identity.js'
import type { Action, Protocol } from './request.js'

/** How the backend is asked about one action. Made by `options/resolve` and read by the other rooms. */
export interface BackendSettings {
  /** Absolute http(s) URLs; with several, `strategy` says which is asked when. */
  readonly urls: readonly string[]
  readonly strategy: 'failover' | 'any'
  readonly defaultAction: 'allow' | 'deny'
  /** Time for the whole request, in milliseconds: queue, connect, TLS, all backends, up to the final status line. */
  readonly timeoutMs: number
  /** Connections to each backend. */
  readonly maxConnections: number
  readonly headers: Readonly<Record<string, string>>
  /** Values may contain placeholders in braces; see `access/placeholders`. */
  readonly params: Readonly<Record<string, string>>
  /** Statuses that mean an outage instead of a denial. */
  readonly unavailableStatuses: readonly number[]
  /** For the backend; PEM texts, read from their files by `options/resolve`. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly rejectUnauthorized: boolean }
  /** A 200 without this header denies; `null` requires none. */
  readonly requireHeader: string | null
  /** Whether a 200 denies unless its body is JSON whose `error` is 0. */
  readonly denyBody: boolean
  /** How long an allow is remembered when the backend does not say, in milliseconds. */
  readonly rememberMs: number
  /** How long a denial is remembered when the backend does not say, in milliseconds; 0 means not at all. */
  readonly rememberDenialMs: number
  /** Whether a redirect with an absolute Location sends HTTP clients there. */
  readonly redirects: boolean
  /** How long after an allow the same request is allowed again during an outage, in milliseconds; 0 means never. */
  readonly lastVerdictMs: number
  /** `false`: no re-checks. */
  readonly recheck: { readonly staleMs: number, readonly early: boolean, readonly afterOutage: boolean } | false
  /** Time between re-checks when the backend does not say, in milliseconds; 0 means never. */
  readonly recheckMs: number
  /** The probe's `X-Real-Path` and query. */
  readonly probe: { readonly path: string; readonly query: string }
  readonly breaker: { readonly failures: number; readonly probeMs: number } | false
}

/** How many sessions a user may have at once. */
export interface LimitSettings {
  /** When the backend does not say; 0 means no limit. */
  readonly perUser: number
  readonly whenFull: 'endOldest' | 'denyNew'
  /** How long a session that the policy ended stays out while its user is at the limit, from its last try. */
  readonly barMs: number
  /** Query parameters that identify the user when the backend does not. */
  readonly userParams: readonly string[]
  /** User ids that many clients share; `*` matches any characters. */
  readonly ignoreUsers: readonly string[]
}

/** One of the operator's rules, compiled. */
export interface RuleSettings {
  /** The rule as the operator wrote it, for a verdict's reason. */
  readonly text: string
  readonly verdict: 'allow' | 'deny' | 'pass'
  /** Address or CIDR network, IPv4 or IPv6. */
  readonly ip?: string
  readonly for?: Action
  /** Stream path; `*` matches any characters. */
  readonly path?: string
  readonly protocol?: Protocol
}

/** The audit file. */
export interface AuditSettings {
  /** Absolute. */
  readonly file: string
  readonly tokens: 'hash' | 'mask'
  readonly secret?: string
}

/** The operator's HTTP server. */
export interface AdminSettings {
  readonly port: number
  readonly bind: string
  readonly token: string
  /** Lower case, without port. */
  readonly hosts: readonly string[]
  readonly metricsOpen: boolean
}

/** The receiver of starts and ends. */
export interface WebhookSettings {
  readonly url: string
  readonly events: readonly ('start' | 'end')[]
  readonly headers: Readonly<Record<string, string>>
  readonly secret?: string
}

/** The store in which several servers share limits and memory. */
export interface StoreSettings {
  /** One server (or one known to Sentinels), or the first nodes of a Cluster. */
  readonly urls: readonly string[]
  /** Prefix of all keys. */
  readonly prefix: string
  readonly heartbeatMs: number
  /** The longest that anybody waits for the store. */
  readonly timeoutMs: number
  /** Passed to ioredis. */
  readonly options: Readonly<Record<string, unknown>>
}

/** NMS's servers. */
export type ServerName = 'rtmp' | 'rtmps' | 'http' | 'https'

/** All options in force, complete and immutable. */
export interface Settings {
  /** Display name of the preset. */
  readonly contract: string
  readonly actions: readonly Action[]
  readonly play: BackendSettings
  /** `{ refuse }` if a portal's preset knows no encoders and there is no `publish` section. */
  readonly publish: BackendSettings | { readonly refuse: string }
  readonly rules: readonly RuleSettings[]
  readonly trustProxy: readonly string[]
  /** Servers whose connections from `trustProxy` begin with a PROXY header. */
  readonly proxyProtocol: readonly ServerName[]
  readonly maxHeld: number
  readonly maxHeldPerIp: number
  readonly commandTimeoutMs: number
  readonly hlsIdleMs: number
  readonly maxSessions: number
  readonly maxSessionsPerIp: number
  /** `false`: limits from the backend are ignored. */
  readonly limits: LimitSettings | false
  readonly files: {
    /** Lower-case extensions with their dot that are served without asking. */
    readonly open: readonly string[]
    /** Maps a path below the router to a stream path; see `options/options`. */
    readonly stream: string
    /** A playlist larger than this many bytes is refused. */
    readonly maxPlaylistBytes: number
    /** What tells one viewer from another; always contains the query. */
    readonly identity: readonly IdentityPart[]
    /** Other origins that get the viewer's query, as formatted by `URL.origin`. */
    readonly ownOrigins: readonly string[]
    /** A session that plays a recording ends after this long without a request, in milliseconds. */
    readonly vodIdleMs: number
  }
  /** Web pages that may read the answers: origins as browsers send them, or `*` alone. */
  readonly cors: { readonly origins: readonly string[], readonly credentials: boolean }
  /** Absent if the server counts by itself. */
  readonly store?: StoreSettings
  readonly log: 'none' | 'outages' | 'denials' | 'verdicts'
  readonly logFormat: 'text' | 'json'
  readonly audit?: AuditSettings
  readonly admin?: AdminSettings
  readonly webhook?: WebhookSettings
  /** Actions whose clients are let in whatever the verdict. */
  readonly dryRun: readonly Action[]
  readonly drainMs: number
}
