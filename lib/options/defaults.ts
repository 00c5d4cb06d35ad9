import { ADMIN_DEFAULTS } from './admin.js'
import { AUDIT_DEFAULTS } from './audit.js'
import { CORS_DEFAULTS } from './cors.js'
import { deepFreeze } from './deep-freeze.js'
import { LIMITS_DEFAULTS } from './limits.js'
import { RECHECK_DEFAULTS } from './recheck.js'
import { STORE_DEFAULTS } from './store.js'
import { WEBHOOK_DEFAULTS } from './webhook.js'

/** Every option's value unless it is set; `url` has none. The sections `admin`, `audit`, `store` and `webhook` are off unless they are given. */
export const DEFAULTS = deepFreeze({
  preset: 'custom',
  strategy: 'failover',
  defaultAction: 'deny',
  timeoutMs: 3000,
  maxConnections: 256,
  actions: ['play', 'publish'],
  rules: [],
  headers: {},
  params: {},
  unavailableStatuses: [],
  trustProxy: [],
  proxyProtocol: false,
  maxHeld: 4000,
  maxHeldPerIp: 200,
  commandTimeoutMs: 10_000,
  tls: { rejectUnauthorized: true },
  requireHeader: null,
  denyBody: false,
  rememberMs: 0,
  rememberDenialMs: 0,
  redirects: false,
  lastVerdictMs: 0,
  recheck: RECHECK_DEFAULTS,
  recheckMs: 0,
  probe: { path: '/probe/probe', query: '' },
  breaker: { failures: 10, probeMs: 2000 },
  hlsIdleMs: 32_000,
  maxSessions: 100_000,
  maxSessionsPerIp: 1000,
  files: {
    open: [
      '.html', '.css', '.js', '.mjs', '.map', '.json', '.svg', '.png', '.jpg', '.jpeg', '.gif', '.webp', '.ico',
      '.woff', '.woff2', '.txt'
    ],
    stream: '{app}/{stream}',
    maxPlaylistBytes: 4 * 1024 * 1024,
    identity: ['query', 'address', 'userAgent'],
    ownOrigins: [],
    vodIdleMs: 600_000
  },
  cors: CORS_DEFAULTS,
  log: 'denials',
  logFormat: 'text',
  audit: AUDIT_DEFAULTS,
  admin: ADMIN_DEFAULTS,
  limits: LIMITS_DEFAULTS,
  store: STORE_DEFAULTS,
  webhook: WEBHOOK_DEFAULTS,
  dryRun: false,
  drainMs: 0
} as const)
