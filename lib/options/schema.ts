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

/** Node's timers take no more; a longer one would fire at once. */
const MAX_MS = 2_147_483_647

const ms = (minimum: number, fallback: number, description: string): object =>
  ({ type: 'integer', minimum, maximum: MAX_MS, default: fallback, description: `${description} In milliseconds.` })
const count = (minimum: number, fallback: number, description: string): object =>
  ({ type: 'integer', minimum, maximum: Number.MAX_SAFE_INTEGER, default: fallback, description })

const ACTIONS = ['play', 'publish']
const PROTOCOLS = ['rtmp', 'rtmps', 'http-flv', 'https-flv', 'ws-flv', 'wss-flv', 'hls', 'file']
const SERVERS = ['rtmp', 'rtmps', 'http', 'https']

const backend = {
  url: {
    type: ['string', 'array'], format: 'backend-url', minItems: 1, uniqueItems: true,
    items: { type: 'string', format: 'backend-url' },
    description: 'The backend, http or https; a list means several, see strategy. A preset completes the path.'
  },
  strategy: {
    enum: ['failover', 'any'], default: DEFAULTS.strategy,
    description: 'With several backends: ask the next when one is unavailable, or ask all at once and the first 200 wins.'
  },
  defaultAction: {
    enum: ['allow', 'deny'], default: DEFAULTS.defaultAction,
    description: 'What is done when the backend is unavailable. "allow" lets everybody in during an outage.'
  },
  timeoutMs: ms(1, DEFAULTS.timeoutMs, 'From the question to the final status line: queue, connect, TLS, headers.'),
  maxConnections: count(1, DEFAULTS.maxConnections, 'Connections to each backend.'),
  headers: {
    type: 'object', default: {},
    propertyNames: { format: 'header-name' }, additionalProperties: { type: 'string', format: 'header-value' },
    description: 'Sent to the backend as they are, for a service secret.'
  },
  params: {
    type: 'object', default: {},
    propertyNames: { minLength: 1 }, additionalProperties: { type: ['string', 'null'], format: 'template' },
    description: 'Query parameters of the operator\'s, stronger than a client\'s. Values may contain ' +
      `${PLACEHOLDERS.map((name) => `{${name}}`).join(', ')}. null takes away a parameter of the preset.`
  },
  unavailableStatuses: {
    type: 'array', uniqueItems: true, default: [],
    items: { type: 'integer', minimum: 100, maximum: 599, not: { const: 200 } },
    description: 'Statuses that count as an outage instead of a denial.'
  },
  tls: {
    type: 'object', additionalProperties: false, default: {},
    properties: {
      ca: { type: 'string', minLength: 1, description: 'Certificate authority of the backend: PEM text or a file.' },
      cert: { type: 'string', minLength: 1, description: 'Client certificate: PEM text or a file. Needs key.' },
      key: { type: 'string', minLength: 1, description: 'Key of the client certificate: PEM text or a file. Needs cert.' },
      rejectUnauthorized: {
        type: 'boolean', default: DEFAULTS.tls.rejectUnauthorized,
        description: 'Whether a backend whose certificate does not check out is unavailable.'
      }
    },
    description: 'TLS towards the backend.'
  },
  requireHeader: {
    type: ['string', 'null'], format: 'response-header-name', default: DEFAULTS.requireHeader,
    description: 'A 200 without this header denies. null asks for none.'
  },
  denyBody: {
    type: 'boolean', default: DEFAULTS.denyBody,
    description: 'Whether a 200 denies unless it comes with a JSON body whose "error" is 0.'
  },
  rememberMs: ms(0, DEFAULTS.rememberMs, 'How long an allow is remembered when the backend does not say (X-AuthDuration).'),
  rememberDenialMs: {
    type: 'integer', minimum: 0, maximum: 300_000, default: DEFAULTS.rememberDenialMs,
    description: 'How long a 401, 403, 404 or 410 is remembered when the backend does not say (X-AuthDuration). In milliseconds.'
  },
  redirects: {
    type: 'boolean', default: DEFAULTS.redirects,
    description: 'Whether a redirect of the backend with an absolute Location sends an HTTP client there. It denies otherwise.'
  },
  recheck: RECHECK_SCHEMA,
  recheckMs: ms(0, DEFAULTS.recheckMs, 'How often to ask again about a session where the backend does not say; 0 is never.'),
  lastVerdictMs: ms(0, DEFAULTS.lastVerdictMs,
    'How long after an allow the same request is let in again during an outage, whatever the default action; 0 is never.'),
  probe: {
    type: 'object', additionalProperties: false, default: DEFAULTS.probe,
    properties: {
      path: { type: 'string', format: 'probe-path', default: DEFAULTS.probe.path, description: 'Its X-Real-Path.' },
      query: { type: 'string', format: 'probe-query', default: DEFAULTS.probe.query, description: 'Its query: best a token that the backend looks up and refuses.' }
    },
    description: 'The question that is nobody\'s, by which it is found out whether the backend is down.'
  },
  breaker: {
    type: ['object', 'boolean'], not: { const: true }, additionalProperties: false, default: DEFAULTS.breaker,
    properties: {
      failures: count(1, DEFAULTS.breaker.failures, 'Outages in a row before clients get the default action at once.'),
      probeMs: ms(1, DEFAULTS.breaker.probeMs, 'How often one request then tries whether the backend is back.')
    },
    description: 'When to stop waiting for a backend that is down; false waits for timeoutMs each time.'
  }
}

/** JSON schema (draft-07) of the section `httpAuth`; `public-schema` makes of it what editors read. */
export const SCHEMA = deepFreeze({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'httpAuth',
  description: 'Options of node-media-server-http-auth.',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', description: 'For editors; not looked at.' },
    preset: { enum: Object.keys(PRESETS), default: DEFAULTS.preset, description: 'The contract of the backend.' },
    ...backend,
    actions: {
      type: 'array', minItems: 1, uniqueItems: true, items: { enum: ACTIONS }, default: DEFAULTS.actions,
      description: 'Which actions are asked for; the other is open.'
    },
    publish: {
      type: 'object', additionalProperties: false, properties: backend,
      description: 'What is different for publishers. With the preset of a portal it needs a url of its own.'
    },
    rules: {
      type: 'array', default: [],
      items: {
        type: 'object', additionalProperties: false, required: ['verdict'],
        properties: {
          ip: { type: 'string', format: 'network', description: 'Client address or CIDR network.' },
          for: { enum: ACTIONS, description: 'Only players, or only publishers.' },
          path: { type: 'string', format: 'rule-path', description: 'Stream path; * is any run of characters.' },
          protocol: { enum: PROTOCOLS, description: 'Only clients of this protocol.' },
          verdict: { enum: ['allow', 'deny', 'pass'], description: 'pass ends the rules and asks the backend.' }
        }
      },
      description: 'Decided before the backend, the first that matches wins.'
    },
    trustProxy: {
      type: 'array', items: { type: 'string', format: 'network' }, default: [],
      description: 'Proxies that are believed about their clients.'
    },
    proxyProtocol: {
      type: ['boolean', 'array'], minItems: 1, uniqueItems: true, items: { enum: SERVERS }, default: DEFAULTS.proxyProtocol,
      description: 'Servers on which connections of trustProxy begin with a PROXY header, version 1 or 2; true is all.'
    },
    maxHeld: count(0, DEFAULTS.maxHeld, 'Clients that may wait at once; 0 is no limit.'),
    maxHeldPerIp: count(0, DEFAULTS.maxHeldPerIp, 'Clients of one address (IPv6: one /64) that may wait; 0 is no limit.'),
    commandTimeoutMs: ms(0, DEFAULTS.commandTimeoutMs, 'An RTMP connection without a decided command by then is cut; 0 is no limit.'),
    hlsIdleMs: ms(1, DEFAULTS.hlsIdleMs, 'An HLS session ends after this long without a request.'),
    maxSessions: count(1, DEFAULTS.maxSessions, 'HLS and file sessions at once; idle ones make room.'),
    maxSessionsPerIp: count(1, DEFAULTS.maxSessionsPerIp, 'The same for one address (IPv6: one /64).'),
    files: {
      type: 'object', additionalProperties: false, default: {},
      properties: {
        open: {
          type: 'array', items: { type: 'string', format: 'extension' }, default: DEFAULTS.files.open,
          description: 'Extensions that are served without asking.'
        },
        stream: {
          type: 'string', format: 'stream-pattern', default: DEFAULTS.files.stream,
          description: 'What the directory of a file below the static route means: {app} takes one or more directories, {stream} one.'
        },
        maxPlaylistBytes: count(1, DEFAULTS.files.maxPlaylistBytes, 'A playlist with more bytes is refused.'),
        identity: {
          type: 'array', uniqueItems: true, items: { enum: ['query', 'address', 'userAgent'] }, contains: { const: 'query' }, default: DEFAULTS.files.identity,
          description: 'What tells one viewer from another; "query" must be in it. With ["query"] whoever has the link is the session.'
        },
        ownOrigins: {
          type: 'array', uniqueItems: true, items: { type: 'string', format: 'origin' }, default: DEFAULTS.files.ownOrigins,
          description: 'Other names of this server, such as a CDN\'s, to which links in playlists carry the viewer\'s query.'
        },
        vodIdleMs: ms(1, DEFAULTS.files.vodIdleMs, 'A session that plays a recording ends after this long without a request.')
      },
      description: 'Files below the static route.'
    },
    cors: CORS_SCHEMA,
    log: {
      enum: ['none', 'outages', 'denials', 'verdicts'], default: DEFAULTS.log,
      description: 'What the console shows; each level has what is named before it.'
    },
    logFormat: { enum: ['text', 'json'], default: DEFAULTS.logFormat, description: 'Lines for people, or JSON objects for programs.' },
    audit: AUDIT_SCHEMA,
    admin: ADMIN_SCHEMA,
    limits: LIMITS_SCHEMA,
    store: STORE_SCHEMA,
    webhook: WEBHOOK_SCHEMA,
    dryRun: {
      type: ['boolean', 'array'], minItems: 1, uniqueItems: true, items: { enum: ACTIONS }, default: DEFAULTS.dryRun,
      description: 'Everything is asked and logged, and these clients are let in whatever the verdict; true means ["play"].'
    },
    drainMs: ms(0, DEFAULTS.drainMs, 'How long those who are in may go on when the server drains.')
  }
})
