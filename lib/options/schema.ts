import { PLACEHOLDERS } from '../access/placeholders.js'
import { ADMIN_SCHEMA } from './admin.js'
import { AUDIT_SCHEMA } from './audit.js'
import { CORS_SCHEMA } from './cors.js'
import { DEFAULTS } from './defaults.js'
import { deepFreeze } from './deep-freeze.js'
import { PRESETS } from './presets.js'
import { LIMITS_SCHEMA } from './limits.js'
import { RECHECK_SCHEMA } from './recheck.js'
import { STORE_SCHEMA } from './store.js'
import { WEBHOOK_SCHEMA } from './webhook.js'

/** The longest delay of Node's timers; a longer one fires at once. */
const MAX_MS = 2_147_483_647

const ms = (minimum: number, fallback: number, description: string): object =>
  ({ type: 'integer', minimum, maximum: MAX_MS, default: fallback, description: `${description} In milliseconds.` })
const count = (minimum: number, fallback: number, description: string): object =>
  ({ type: 'integer', minimum, maximum: Number.MAX_SAFE_INTEGER, default: fallback, description })

const ACTIONS = ['play', 'publish']
const PROTOCOLS = ['rtmp', 'rtmps', 'http-flv', 'https-flv', 'ws-flv', 'wss-flv', 'hls', 'dash', 'file']
const SERVERS = ['rtmp', 'rtmps', 'http', 'https']

const backend = {
  url: {
    type: ['string', 'array'], format: 'backend-url', minItems: 1, uniqueItems: true,
    items: { type: 'string', format: 'backend-url' },
    description: 'The backend, http or https; a list means several, see strategy. A preset completes the path.'
  },
  strategy: {
    enum: ['failover', 'any'], default: DEFAULTS.strategy,
    description: 'With several backends: ask the next one when one is unavailable, or ask all at once and the first 200 wins.'
  },
  defaultAction: {
    enum: ['allow', 'deny'], default: DEFAULTS.defaultAction,
    description: 'Verdict when the backend is unavailable. "allow" lets everybody in during an outage.'
  },
  timeoutMs: ms(1, DEFAULTS.timeoutMs, 'Time for an answer, up to its final status line: queue, connect, TLS, headers.'),
  maxConnections: count(1, DEFAULTS.maxConnections, 'Connections to each backend.'),
  headers: {
    type: 'object', default: {},
    propertyNames: { format: 'header-name' }, additionalProperties: { type: 'string', format: 'header-value' },
    description: 'Extra headers for the backend, such as a service secret.'
  },
  params: {
    type: 'object', default: {},
    propertyNames: { minLength: 1 }, additionalProperties: { type: ['string', 'null'], format: 'template' },
    description: 'Your query parameters; they win over the client\'s. Values may contain ' +
      `${PLACEHOLDERS.map((name) => `{${name}}`).join(', ')}. null removes a parameter of the preset.`
  },
  unavailableStatuses: {
    type: 'array', uniqueItems: true, default: [],
    items: { type: 'integer', minimum: 100, maximum: 599, not: { const: 200 } },
    description: 'Statuses that mean an outage instead of a denial.'
  },
  tls: {
    type: 'object', additionalProperties: false, default: {},
    properties: {
      ca: { type: 'string', minLength: 1, description: 'Certificate authority of the backend: PEM text or a file.' },
      cert: { type: 'string', minLength: 1, description: 'Client certificate: PEM text or a file. Needs key.' },
      key: { type: 'string', minLength: 1, description: 'Key of the client certificate: PEM text or a file. Needs cert.' },
      rejectUnauthorized: {
        type: 'boolean', default: DEFAULTS.tls.rejectUnauthorized,
        description: 'Whether a backend with an invalid certificate counts as unavailable.'
      }
    },
    description: 'TLS settings for the backend.'
  },
  requireHeader: {
    type: ['string', 'null'], format: 'response-header-name', default: DEFAULTS.requireHeader,
    description: 'A 200 without this header denies. null requires none.'
  },
  denyBody: {
    type: 'boolean', default: DEFAULTS.denyBody,
    description: 'Whether a 200 denies unless its body is JSON whose "error" is 0.'
  },
  rememberMs: ms(0, DEFAULTS.rememberMs, 'How long an allow is remembered when the backend does not say (X-AuthDuration).'),
  rememberDenialMs: {
    type: 'integer', minimum: 0, maximum: 300_000, default: DEFAULTS.rememberDenialMs,
    description: 'How long a 401, 403, 404 or 410 is remembered when the backend does not say (X-AuthDuration). In milliseconds.'
  },
  redirects: {
    type: 'boolean', default: DEFAULTS.redirects,
    description: 'Whether a redirect of the backend with an absolute Location sends HTTP clients there. Otherwise it denies.'
  },
  recheck: RECHECK_SCHEMA,
  recheckMs: ms(0, DEFAULTS.recheckMs, 'How often to ask again about a running session when the backend does not say; 0 means never.'),
  lastVerdictMs: ms(0, DEFAULTS.lastVerdictMs,
    'How long after an allow the same request is let in again during an outage, whatever the default action; 0 means never.'),
  probe: {
    type: 'object', additionalProperties: false, default: DEFAULTS.probe,
    properties: {
      path: { type: 'string', format: 'probe-path', default: DEFAULTS.probe.path, description: 'Its X-Real-Path.' },
      query: { type: 'string', format: 'probe-query', default: DEFAULTS.probe.query, description: 'Its query: a token that the backend looks up and refuses.' }
    },
    description: 'The plugin\'s own request that finds out whether the backend is down.'
  },
  breaker: {
    type: ['object', 'boolean'], not: { const: true }, additionalProperties: false, default: DEFAULTS.breaker,
    properties: {
      failures: count(1, DEFAULTS.breaker.failures, 'Outages in a row before clients get the default action at once.'),
      probeMs: ms(1, DEFAULTS.breaker.probeMs, 'How often a probe then checks whether the backend is back.')
    },
    description: 'When to stop waiting for a backend that is down; false waits for timeoutMs each time.'
  }
}

/** JSON schema (draft-07) of the section `httpAuth`; `public-schema` derives from it what editors read. */
export const SCHEMA = deepFreeze({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'httpAuth',
  description: 'Options of node-media-server-http-auth.',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', description: 'For editors; ignored.' },
    preset: { enum: Object.keys(PRESETS), default: DEFAULTS.preset, description: 'Which kind of backend it is.' },
    ...backend,
    actions: {
      type: 'array', minItems: 1, uniqueItems: true, items: { enum: ACTIONS }, default: DEFAULTS.actions,
      description: 'The actions that are checked; any other is open to everybody.'
    },
    publish: {
      type: 'object', additionalProperties: false, properties: backend,
      description: 'Options that differ for publishers. With a portal\'s preset it needs a url of its own.'
    },
    rules: {
      type: 'array', default: [],
      items: {
        type: 'object', additionalProperties: false, required: ['verdict'],
        properties: {
          ip: { type: 'string', format: 'network', description: 'Client address or CIDR network.' },
          for: { enum: ACTIONS, description: 'Only players, or only publishers.' },
          path: { type: 'string', format: 'rule-path', description: 'Stream path; * matches any characters.' },
          protocol: { enum: PROTOCOLS, description: 'Only clients of this protocol.' },
          verdict: { enum: ['allow', 'deny', 'pass'], description: 'pass skips the other rules and asks the backend.' }
        }
      },
      description: 'Applied before the backend is asked; the first that matches wins.'
    },
    trustProxy: {
      type: 'array', items: { type: 'string', format: 'network' }, default: [],
      description: 'Proxies whose forwarding headers are believed.'
    },
    proxyProtocol: {
      type: ['boolean', 'array'], minItems: 1, uniqueItems: true, items: { enum: SERVERS }, default: DEFAULTS.proxyProtocol,
      description: 'Servers on which connections from trustProxy begin with a PROXY header, version 1 or 2; true means all.'
    },
    maxHeld: count(0, DEFAULTS.maxHeld, 'Clients that may wait at once; 0 means no limit.'),
    maxHeldPerIp: count(0, DEFAULTS.maxHeldPerIp, 'The same per address (IPv6: per /64); 0 means no limit.'),
    commandTimeoutMs: ms(0, DEFAULTS.commandTimeoutMs, 'Time for an RTMP connection to send its command; 0 means no limit.'),
    hlsIdleMs: ms(1, DEFAULTS.hlsIdleMs, 'An HLS, DASH or file session ends after this long without a request.'),
    maxSessions: count(1, DEFAULTS.maxSessions, 'HLS, DASH and file sessions at once; idle ones make room.'),
    maxSessionsPerIp: count(1, DEFAULTS.maxSessionsPerIp, 'The same per address (IPv6: per /64).'),
    files: {
      type: 'object', additionalProperties: false, default: {},
      properties: {
        open: {
          type: 'array', items: { type: 'string', format: 'extension' }, default: DEFAULTS.files.open,
          description: 'Extensions that are served without asking.'
        },
        stream: {
          type: 'string', format: 'stream-pattern', default: DEFAULTS.files.stream,
          description: 'Which stream a file below the static route belongs to, by its directory: {app} matches one or more directories, {stream} one.'
        },
        maxPlaylistBytes: count(1, DEFAULTS.files.maxPlaylistBytes, 'A playlist or manifest with more bytes is refused.'),
        identity: {
          type: 'array', uniqueItems: true, items: { enum: ['query', 'address', 'userAgent'] }, contains: { const: 'query' }, default: DEFAULTS.files.identity,
          description: 'What tells one viewer from another; "query" must be in it. With ["query"] everybody with the same link shares one session.'
        },
        ownOrigins: {
          type: 'array', uniqueItems: true, items: { type: 'string', format: 'origin' }, default: DEFAULTS.files.ownOrigins,
          description: 'Other origins of this server, such as a CDN\'s; links in playlists and manifests that lead there get the viewer\'s query.'
        },
        vodIdleMs: ms(1, DEFAULTS.files.vodIdleMs, 'A session that plays a recording ends after this long without a request.')
      },
      description: 'Files below the static route.'
    },
    cors: CORS_SCHEMA,
    log: {
      enum: ['none', 'outages', 'denials', 'verdicts'], default: DEFAULTS.log,
      description: 'What the console shows; each level includes the ones before it.'
    },
    logFormat: { enum: ['text', 'json'], default: DEFAULTS.logFormat, description: 'Lines for people, or JSON objects for programs.' },
    audit: AUDIT_SCHEMA,
    admin: ADMIN_SCHEMA,
    limits: LIMITS_SCHEMA,
    store: STORE_SCHEMA,
    webhook: WEBHOOK_SCHEMA,
    dryRun: {
      type: ['boolean', 'array'], minItems: 1, uniqueItems: true, items: { enum: ACTIONS }, default: DEFAULTS.dryRun,
      description: 'Asks the backend and logs every decision, but lets these clients in whatever the verdict; true means ["play"].'
    },
    drainMs: ms(0, DEFAULTS.drainMs, 'How long running sessions may go on when the server drains.')
  }
})
