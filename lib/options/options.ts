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

/** How to speak TLS to the backend. Files are read once, at start. */
export interface TlsOptions {
  /** Certificate authority that the backend's certificate is checked against, instead of Node's own list: PEM text, or the path of a file. */
  ca?: string
  /** Client certificate (chain): PEM text, or the path of a file. Needs `key`. */
  cert?: string
  /** Key of the client certificate: PEM text, or the path of a file. Needs `cert`. */
  key?: string
  /** Whether a backend whose certificate does not check out is unavailable. Default true; false lets anyone on the way answer for the backend. */
  rejectUnauthorized?: boolean
}

/** When the plugin stops waiting for a backend that fails again and again. */
export interface BreakerOptions {
  /** Outages in a row before clients get the default action at once. Default 10. */
  failures?: number
  /** How often one request then tries whether the backend is back, in milliseconds. Default 2000. */
  probeMs?: number
}

/** The question that is nobody's, by which the plugin finds out whether the backend is down. */
export interface ProbeOptions {
  /** Its `X-Real-Path`. Default `/probe/probe`. */
  path?: string
  /**
   * Its query, such as `token=probe`: best a token that the backend looks up and refuses, so that an
   * outage behind its check of the token shows. Whoever else sends one that is allowed is let in.
   * Default empty.
   */
  query?: string
}

/** What can differ between players and publishers. */
export interface BackendOptions {
  /**
   * Where access requests are asked about: http or https, may carry a path and a query of its own.
   * A list means several backends, see `strategy`. Credentials do not belong here but in `headers`
   * (`Authorization`). Required, unless the preset has one; a preset completes it.
   */
  url?: string | string[]
  /**
   * With several backends: `failover` asks the next only when one is unavailable, `any` asks all at
   * once and the first 200 wins. Default `failover`.
   */
  strategy?: 'failover' | 'any'
  /** What is done when the backend is unavailable. Default `deny`; `allow` lets everybody in during an outage. */
  defaultAction?: 'allow' | 'deny'
  /**
   * From the question to the final status line, in milliseconds: queue, connect, TLS, headers, all
   * backends. Default 3000; what takes longer is an outage.
   */
  timeoutMs?: number
  /** Connections to each backend. Default 256; further questions wait, within `timeoutMs`. */
  maxConnections?: number
  /**
   * Headers sent to the backend as they are, for a service secret, or for a `User-Agent` instead of
   * `node-media-server-http-auth/VERSION`. Default none. Names of HTTP's own (Host, Connection, …)
   * and of the plugin's five (`X-Real-Ip` …, in any spelling) are refused.
   */
  headers?: Record<string, string>
  /**
   * Query parameters of the operator's; a client's parameter of the same name is dropped. Values may
   * contain `{app}`, `{stream}`, `{path}`, `{ip}`, `{action}`, `{protocol}`, `{sessionId}`, and what
   * Flussonic's backends read: `{proto}`, `{requestType}` (`new_session`, `update_session`),
   * `{requestNumber}` (from 0). Default none; added to those of the preset, of which `null` takes one away.
   */
  params?: Record<string, string | null>
  /**
   * Statuses that count as an outage instead of a denial, such as 502, 503 and 504 of a reverse
   * proxy before the backend. 100 to 599 without 200. Default none.
   */
  unavailableStatuses?: number[]
  /** TLS towards the backend. */
  tls?: TlsOptions
  /** A 200 without this header denies, and is logged as a fault of the backend. Default `null`: none is asked for. */
  requireHeader?: string | null
  /**
   * Whether the body counts, too: a 200 then denies unless it comes with JSON whose `error` is 0, of
   * at most 64 KiB and within `timeoutMs`. Default false: the status alone decides.
   */
  denyBody?: boolean
  /**
   * How long an allow is remembered when the backend does not say (`X-AuthDuration`), in
   * milliseconds: the same request is then let in without asking. Default 0, not at all.
   */
  rememberMs?: number
  /**
   * How long a denial with status 401, 403, 404 or 410 is kept when the backend does not say
   * (`X-AuthDuration`), in milliseconds, at most 300000: the same request is then refused without
   * asking. Default 0, not at all. What the backend says counts for at most 300 seconds, too.
   */
  rememberDenialMs?: number
  /**
   * How long after an allow the same request is let in again during an outage, whatever the default
   * action, in milliseconds. Default 0, not at all.
   */
  lastVerdictMs?: number
  /** Asking again about sessions that run; `false` never does. In `publish` off unless it is given there. */
  recheck?: RecheckOptions | false
  /** How often to ask again where the backend does not say (`X-AuthDuration`), in milliseconds. Default 0, never (presets smarty and flussonic: 180000). */
  recheckMs?: number
  /** What the backend is asked when it is to be known whether it is down. */
  probe?: ProbeOptions
  /**
   * Whether a 301, 302, 303, 307 or 308 of the backend with an absolute http(s) `Location` sends an
   * HTTP client there. Default false: a redirect denies. RTMP and WebSocket clients are refused
   * either way; the client's query is not added.
   */
  redirects?: boolean
  /** When to stop waiting for a backend that is down; `false` waits `timeoutMs` for each client. */
  breaker?: BreakerOptions | false
}

/** A rule of the operator's, decided before the backend. What it does not name it does not look at. */
export interface RuleOptions {
  /** Client address or CIDR network, IPv4 or IPv6. */
  ip?: string
  /** Only players, or only publishers. */
  for?: Action
  /** Stream path (`/app/name`); `*` stands for any run of characters, also an empty one and `/`. */
  path?: string
  protocol?: Protocol
  /** `pass` ends the rules and asks the backend. */
  verdict: 'allow' | 'deny' | 'pass'
}

/** Files below the static route. */
export interface FilesOptions {
  /** Extensions that are served without asking. The default are those of web pages; a list replaces it. */
  open?: string[]
  /**
   * What the directory of a file below the static route means: `{app}` takes one or more
   * directories, `{stream}` exactly one, other text stands for itself. Default `{app}/{stream}`:
   * `live/s/index.m3u8` is the stream `/live/s`. A directory outside the pattern is a stream of its
   * own path, the router included: `/static/s`.
   */
  stream?: string
  /** A playlist with more bytes, before or after each link has got the viewer's query, is refused. Default 4194304 (4 MiB). */
  maxPlaylistBytes?: number
  /**
   * What tells one viewer of HLS and files from another: `"query"` (always in it), `"address"`,
   * `"userAgent"`. Default all three. A phone that leaves the Wi-Fi changes its address, some players
   * fetch keys with another user agent; with `["query"]` whoever has the link is the session. Viewers
   * without a query are told by all three whatever stands here.
   */
  identity?: IdentityPart[]
  /**
   * Other names of this server, such as `https://cdn.example.com`: whole URLs in playlists that lead
   * there carry the viewer's query, too. Default none. They open no directory.
   */
  ownOrigins?: string[]
  /**
   * A session that plays a recording (a playlist that says its end, or a file such as an mp4) ends after
   * this long without a request, in milliseconds, so that a viewer may pause. Default 600000: 10 minutes.
   */
  vodIdleMs?: number
}

/** The section `httpAuth` of node-media-server's config: plain JSON. */
export interface Options extends BackendOptions {
  /** Where an editor finds the JSON schema; not looked at. */
  $schema?: string
  /** The backend's contract. Default `custom`, the bare contract: a final 200 allows. */
  preset?: PresetName
  /** Which actions are asked for; the other is open. Default both. */
  actions?: Action[]
  /**
   * What is different for publishers: each option here replaces the one above as a whole.
   * Portals know viewers, not encoders: with one of their presets this section takes nothing from
   * above, needs a `url` of its own, and without it publishers are refused unless a rule lets them in.
   */
  publish?: BackendOptions
  /** Rules before the backend; the first that matches wins. Default none. */
  rules?: RuleOptions[]
  /**
   * Addresses and networks of proxies: their `X-Forwarded-For`, `-Proto` and `-Host` are believed,
   * and the PROXY headers that `proxyProtocol` speaks of. Default none.
   */
  trustProxy?: string[]
  /**
   * Connections of TCP proxies begin with a header of the PROXY protocol (`send-proxy`, version 1 or
   * 2), which says who the client is: `true` on every server, or on those of a list. A connection of
   * one of `trustProxy` without a header is cut; anybody else's header is not one. Default false.
   */
  proxyProtocol?: boolean | ServerName[]
  /** Clients that may wait at once, undecided RTMP connections included. Default 4000; 0 is no limit. */
  maxHeld?: number
  /** The same for one address (IPv6: one /64). Default 200; 0 is no limit. */
  maxHeldPerIp?: number
  /** An RTMP connection without a decided command this long after its start is cut, in milliseconds. Default 10000; 0 is no limit. */
  commandTimeoutMs?: number
  /**
   * A session of HLS or files ends after this long without a request, and without a response that is
   * still being sent, in milliseconds. Default 32000: four segments of 8 s.
   */
  hlsIdleMs?: number
  /** HLS and file sessions at once. Default 100000; idle ones make room, a live viewer never does: newcomers get a 503. */
  maxSessions?: number
  /** The same for one address (IPv6: one /64). Default 1000. */
  maxSessionsPerIp?: number
  files?: FilesOptions
  /** Which web pages may play, over all of HTTP. */
  cors?: CorsOptions
  /** Shares limits and what is remembered with other servers. Needs the package `ioredis`. Default none. */
  store?: StoreOptions
  /** How many sessions a user may have at once; `false` ignores what the backend says. */
  limits?: LimitsOptions | false
  /**
   * What the console shows: `outages` their begin and end and faults of the backend, `denials` also
   * who is refused (floods in one line), `verdicts` every verdict. Default `denials`.
   */
  log?: 'none' | 'outages' | 'denials' | 'verdicts'
  /** How a line of the console looks: `text` for people, `json` with the field names of pino. Default `text`. */
  logFormat?: 'text' | 'json'
  audit?: AuditOptions
  admin?: AdminOptions
  webhook?: WebhookOptions
  /**
   * Everything is asked, logged and counted as it would be decided, and these clients are let in
   * whatever the verdict. `true` means `["play"]`. Default false.
   */
  dryRun?: boolean | Action[]
  /** How long those who are in may go on when the server drains, in milliseconds. Default 0. */
  drainMs?: number
}
