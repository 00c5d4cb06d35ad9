import type { IdentityPart } from '../access/identity.js'
import type { Action, Protocol } from '../access/request.js'
import type { ServerName } from '../access/settings.js'
import type { AdminOptions } from './admin.js'
import type { AuditOptions } from './audit.js'
import type { CorsOptions } from './cors.js'
import type { PresetName } from './presets.js'
import type { LimitsOptions } from './limits.js'
import type { RecheckOptions } from './recheck.js'
import type { StoreOptions } from './store.js'
import type { WebhookOptions } from './webhook.js'

/** TLS settings for the backend. Files are read once, at the start. */
export interface TlsOptions {
  /** Certificate authority that signed the backend's certificate, instead of Node's own list: PEM text, or the path of a file. */
  ca?: string
  /** Client certificate (chain): PEM text, or the path of a file. Needs `key`. */
  cert?: string
  /** Key of the client certificate: PEM text, or the path of a file. Needs `cert`. */
  key?: string
  /** Whether a backend with an invalid certificate counts as unavailable. Default true; with false anyone on the network path can answer for the backend. */
  rejectUnauthorized?: boolean
}

/** When the plugin stops waiting for a backend that keeps failing. */
export interface BreakerOptions {
  /** Outages in a row before clients get the default action at once. Default 10. */
  failures?: number
  /** How often a probe then checks whether the backend is back, in milliseconds. Default 2000; less than 1000 counts as 1000. */
  probeMs?: number
}

/** The plugin's own request that finds out whether the backend is down. It contains no client data. */
export interface ProbeOptions {
  /** Its `X-Real-Path`. Default `/probe/probe`. */
  path?: string
  /**
   * Its query, such as `token=probe`. Use a token that the backend looks up and refuses, so that an
   * outage of its database shows as well. A token that the backend allows would let in anybody who sends it.
   * Default empty.
   */
  query?: string
}

/** Options that can differ between players and publishers. */
export interface BackendOptions {
  /**
   * URL of the backend: http or https, with a path and a query if it needs them.
   * A list means several backends, see `strategy`. Put credentials in `headers` (`Authorization`), not
   * here. Required, unless the preset has one; a preset completes it.
   */
  url?: string | string[]
  /**
   * With several backends: `failover` asks the next one only when one is unavailable, `any` asks all at
   * once and the first 200 wins. Default `failover`.
   */
  strategy?: 'failover' | 'any'
  /** Verdict when the backend is unavailable. Default `deny`; `allow` lets everybody in during an outage. */
  defaultAction?: 'allow' | 'deny'
  /**
   * Time for an answer, up to its final status line, in milliseconds: queue, connect, TLS, headers, all
   * backends. Default 3000. A client whose request takes longer is refused, unless an outage is proven.
   */
  timeoutMs?: number
  /** Connections to each backend. Default 256; further requests wait, within `timeoutMs`. */
  maxConnections?: number
  /**
   * Extra headers for the backend, such as a service secret, or a `User-Agent` instead of
   * `node-media-server-http-auth/VERSION`. Default none. HTTP's own headers (Host, Connection, …)
   * and the plugin's five (`X-Real-Ip` …, in any spelling) are rejected.
   */
  headers?: Record<string, string>
  /**
   * The operator's query parameters; a client's parameter of the same name is dropped. Values may
   * contain `{app}`, `{stream}`, `{path}`, `{ip}`, `{action}`, `{protocol}`, `{sessionId}`, and what
   * Flussonic's backends read: `{proto}`, `{requestType}` (`new_session`, `update_session`),
   * `{requestNumber}` (from 0). Default none. They are added to the preset's; `null` removes one of these.
   */
  params?: Record<string, string | null>
  /**
   * Statuses that mean an outage instead of a denial, such as 502, 503 and 504 of a reverse
   * proxy in front of the backend. 100 to 599 without 200. Default none.
   */
  unavailableStatuses?: number[]
  /** TLS settings for the backend. */
  tls?: TlsOptions
  /** A 200 without this header denies, and is logged as a fault of the backend. Default `null`: no header is required. */
  requireHeader?: string | null
  /**
   * Whether the body counts, too: a 200 then denies unless its body is JSON whose `error` is 0, of
   * at most 64 KiB and within `timeoutMs`. Default false: the status alone decides.
   */
  denyBody?: boolean
  /**
   * How long an allow is remembered when the backend does not say (`X-AuthDuration`), in
   * milliseconds: the same request is then let in without asking. Default 0, not at all.
   */
  rememberMs?: number
  /**
   * How long a denial with status 401, 403, 404 or 410 is remembered when the backend does not say
   * (`X-AuthDuration`), in milliseconds, at most 300000: the same request is then refused without
   * asking. Default 0, not at all. A duration from the backend is cut to 300 seconds, too.
   */
  rememberDenialMs?: number
  /**
   * How long after an allow the same request is let in again during an outage, whatever the default
   * action, in milliseconds. Default 0, not at all.
   */
  lastVerdictMs?: number
  /** Re-checks of running sessions; `false` turns them off. In `publish` they are off unless set there. */
  recheck?: RecheckOptions | false
  /** How often to ask again about a running session when the backend does not say (`X-AuthDuration`), in milliseconds. Default 0, never (presets smarty and flussonic: 180000). */
  recheckMs?: number
  /** The plugin's own request that finds out whether the backend is down. */
  probe?: ProbeOptions
  /**
   * Whether a 301, 302, 303, 307 or 308 of the backend with an absolute http(s) `Location` sends
   * HTTP clients there, without their query. Default false: a redirect denies. RTMP and WebSocket clients
   * are refused either way.
   */
  redirects?: boolean
  /** When to stop waiting for a backend that is down; `false` waits `timeoutMs` for each client. */
  breaker?: BreakerOptions | false
}

/** A rule that is applied before the backend is asked. A condition that is absent matches everything. */
export interface RuleOptions {
  /** Client address or CIDR network, IPv4 or IPv6. */
  ip?: string
  /** Only players, or only publishers. */
  for?: Action
  /** Stream path (`/app/name`); `*` matches any characters, including none and `/`. */
  path?: string
  protocol?: Protocol
  /** `pass` skips the other rules and asks the backend. */
  verdict: 'allow' | 'deny' | 'pass'
}

/** Files below the static route. */
export interface FilesOptions {
  /** Extensions that are served without asking. Default: those of web pages; your list replaces it. */
  open?: string[]
  /**
   * Which stream a file below the static route belongs to, by its directory: `{app}` matches one or more
   * directories, `{stream}` exactly one, other text itself. Default `{app}/{stream}`:
   * `live/s/index.m3u8` is the stream `/live/s`. A directory that does not match is a stream named by
   * its own path, including the route: `/static/s`.
   */
  stream?: string
  /** A playlist or manifest with more bytes, before or after each link has got the viewer's query, is refused. Default 4194304 (4 MiB). */
  maxPlaylistBytes?: number
  /**
   * What tells one viewer of HLS, DASH and files from another: `"query"` (required), `"address"`, `"userAgent"`.
   * Default all three. A phone that leaves the Wi-Fi changes its address, and some players fetch keys with another user
   * agent; with `["query"]` everybody with the same link shares one session. For viewers without a query all three
   * count, whatever is set here.
   */
  identity?: IdentityPart[]
  /**
   * Other origins of this server, such as `https://cdn.example.com`: absolute URLs in playlists and manifests that lead
   * there get the viewer's query, too. Default none. They open no directory.
   */
  ownOrigins?: string[]
  /**
   * A session that plays a recording (a playlist with an end, a static manifest, or a file such as an mp4) ends after
   * this long without a request, in milliseconds, so that a viewer can pause. Default 600000: 10 minutes.
   */
  vodIdleMs?: number
}

/** The section `httpAuth` of node-media-server's config: plain JSON. */
export interface Options extends BackendOptions {
  /** The JSON schema, for editors; ignored. */
  $schema?: string
  /** Which kind of backend it is. Default `custom`: a final 200 allows. */
  preset?: PresetName
  /** The actions that are checked; any other is open to everybody. Default both. */
  actions?: Action[]
  /**
   * Options that differ for publishers: each replaces the one above as a whole.
   * Portals know viewers, not encoders: with a portal's preset this section inherits nothing and needs
   * a `url` of its own; without it publishers are refused unless a rule lets them in.
   */
  publish?: BackendOptions
  /** Rules that are applied before the backend is asked; the first that matches wins. Default none. */
  rules?: RuleOptions[]
  /**
   * Addresses and networks of your proxies. Their `X-Forwarded-For`, `-Proto` and `-Host` are believed,
   * and with `proxyProtocol` their PROXY headers. Default none.
   */
  trustProxy?: string[]
  /**
   * Whether connections from `trustProxy` begin with a PROXY protocol header (version 1 or 2) that gives
   * the client's address: `true` for all servers, or a list of servers. A trusted proxy that sends no
   * header is cut; from anybody else such bytes are not a header. Default false.
   */
  proxyProtocol?: boolean | ServerName[]
  /** Clients that may wait at once, including RTMP connections without a command. Default 4000; 0 means no limit. */
  maxHeld?: number
  /** The same per address (IPv6: per /64). Default 200; 0 means no limit. */
  maxHeldPerIp?: number
  /** Time for an RTMP connection to send its command, from TCP accept, in milliseconds. Default 10000; 0 means no limit. */
  commandTimeoutMs?: number
  /**
   * An HLS, DASH or file session ends after this long without a request or a running answer, in
   * milliseconds. Default 32000: four segments of 8 s.
   */
  hlsIdleMs?: number
  /** HLS, DASH and file sessions at once. Default 100000. Idle ones make room for newcomers, live viewers never do: newcomers then get a 503. */
  maxSessions?: number
  /** The same per address (IPv6: per /64). Default 1000. */
  maxSessionsPerIp?: number
  files?: FilesOptions
  /** Which web pages may play over HTTP. */
  cors?: CorsOptions
  /** Shares limits and remembered allows with other servers. Needs the package `ioredis`. Default none. */
  store?: StoreOptions
  /** How many sessions a user may have at once; `false` ignores what the backend says. */
  limits?: LimitsOptions | false
  /**
   * What the console shows: `outages`: outages and faults of the backend; `denials`: also each refusal,
   * with floods summed up; `verdicts`: every verdict. Default `denials`.
   */
  log?: 'none' | 'outages' | 'denials' | 'verdicts'
  /** Format of the console's lines: `text` for people, `json` with the field names of pino. Default `text`. */
  logFormat?: 'text' | 'json'
  audit?: AuditOptions
  admin?: AdminOptions
  webhook?: WebhookOptions
  /**
   * Asks the backend, logs and counts every decision, but lets these clients in whatever the
   * verdict. `true` means `["play"]`. Default false.
   */
  dryRun?: boolean | Action[]
  /** How long running sessions may go on when the server drains, in milliseconds. Default 0. */
  drainMs?: number
}
