import type { IdentityPart } from './identity.js'
import type { Action, Protocol } from './request.js'

/** What is asked, and how, for one action. Made by `options/resolve` and read by the other rooms. */
export interface BackendSettings {
  /** Absolute http(s) URLs; with several, `strategy` says who is asked when. */
  readonly urls: readonly string[]
  readonly strategy: 'failover' | 'any'
  readonly defaultAction: 'allow' | 'deny'
  /** The whole question, in milliseconds: queue, connect, TLS, all backends, until the final status line. */
  readonly timeoutMs: number
  /** Connections to each backend. */
  readonly maxConnections: number
  readonly headers: Readonly<Record<string, string>>
  /** Values may contain placeholders in braces; see `access/placeholders`. */
  readonly params: Readonly<Record<string, string>>
  /** Statuses that count as an outage instead of a denial. */
  readonly unavailableStatuses: readonly number[]
  /** Towards the backend; PEM texts, read from their files by `options/resolve`. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly rejectUnauthorized: boolean }
  /** A 200 without this header denies; `null` asks for none. */
  readonly requireHeader: string | null
  /** Whether a 200 denies unless it comes with a JSON body whose `error` is 0. */
  readonly denyBody: boolean
  /** How long an allow is remembered when the backend says nothing, in milliseconds. */
  readonly rememberMs: number
  /** How long a denial is remembered when the backend says nothing, in milliseconds; 0 is not at all. */
  readonly rememberDenialMs: number
  /** Whether a redirect with an absolute Location sends an HTTP client there. */
  readonly redirects: boolean
  /** How long after an allow the same request is allowed again during an outage, in milliseconds; 0 is never. */
  readonly lastVerdictMs: number
  /** `false`: nobody who is in is asked about again. */
  readonly recheck: { readonly staleMs: number, readonly early: boolean, readonly afterOutage: boolean } | false
  /** When to ask again where the backend does not say, in milliseconds; 0 is never. */
  readonly recheckMs: number
  /** The neutral question: its `X-Real-Path` and its query, of which no client knows or the backend refuses both. */
  readonly probe: { readonly path: string; readonly query: string }
  readonly breaker: { readonly failures: number; readonly probeMs: number } | false
}

/** How many sessions a user may have at once. */
export interface LimitSettings {
  /** Where the backend does not say; 0 is no limit. */
  readonly perUser: number
  readonly whenFull: 'endOldest' | 'denyNew'
  /** How long whoever was ended by the policy is kept out while its user is full, from its last try. */
  readonly barMs: number
  /** Parameters of the client's query that stand for the user where the backend names none. */
  readonly userParams: readonly string[]
  /** Ids that stand for many; `*` is any run of characters. */
  readonly ignoreUsers: readonly string[]
}

/** One compiled rule of the operator's. */
export interface RuleSettings {
  /** How the operator wrote it, for the reason of a verdict. */
  readonly text: string
  readonly verdict: 'allow' | 'deny' | 'pass'
  /** Address or CIDR network, IPv4 or IPv6. */
  readonly ip?: string
  readonly for?: Action
  /** Stream path, `*` stands for any run of characters. */
  readonly path?: string
  readonly protocol?: Protocol
}

/** Where verdicts and ends are written to. */
export interface AuditSettings {
  /** Absolute. */
  readonly file: string
  readonly tokens: 'hash' | 'mask'
  readonly secret?: string
}

/** The operator's own HTTP server. */
export interface AdminSettings {
  readonly port: number
  readonly bind: string
  readonly token: string
  /** Lower case, without port. */
  readonly hosts: readonly string[]
  readonly metricsOpen: boolean
}

/** Who is told of starts and ends. */
export interface WebhookSettings {
  readonly url: string
  readonly events: readonly ('start' | 'end')[]
  readonly headers: Readonly<Record<string, string>>
  readonly secret?: string
}

/** Where several servers share limits and memory. */
export interface StoreSettings {
  /** One server (or what Sentinels know), or the first nodes of a Cluster. */
  readonly urls: readonly string[]
  /** What all keys begin with. */
  readonly prefix: string
  readonly heartbeatMs: number
  /** Nobody waits for the store any longer. */
  readonly timeoutMs: number
  /** ioredis's own. */
  readonly options: Readonly<Record<string, unknown>>
}

/** NMS's servers. */
export type ServerName = 'rtmp' | 'rtmps' | 'http' | 'https'

/** Everything that is in force, complete and immutable. */
export interface Settings {
  /** What the backend's contract is called, for people. */
  readonly contract: string
  readonly actions: readonly Action[]
  readonly play: BackendSettings
  /** `{ refuse }` where a portal preset knows no encoders and no `publish` section was given. */
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
  /** `false`: what the backend says of limits is ignored. */
  readonly limits: LimitSettings | false
  readonly files: {
    /** Lower-case extensions with their dot that are served without asking. */
    readonly open: readonly string[]
    /** Maps a path below the router to a stream path; see `options/options`. */
    readonly stream: string
    /** A playlist larger than this many bytes is refused. */
    readonly maxPlaylistBytes: number
    /** What tells one viewer from another; the query is always in it. */
    readonly identity: readonly IdentityPart[]
    /** Other origins to which a viewer's query may travel, as `URL.origin` writes them. */
    readonly ownOrigins: readonly string[]
    /** After this long without a request a session that plays a recording ends, in milliseconds. */
    readonly vodIdleMs: number
  }
  /** Which web pages may read the answers: origins as browsers write them, or `*` alone. */
  readonly cors: { readonly origins: readonly string[], readonly credentials: boolean }
  /** Absent where a server counts by itself. */
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
