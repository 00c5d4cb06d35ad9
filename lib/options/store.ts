import type { StoreSettings } from '../access/settings.js'
import type { TlsOptions } from './options.js'
import { readTls } from './tls.js'

/** A Redis or Valkey that several servers share. Absent: each server counts and remembers by itself. */
export interface StoreOptions {
  /**
   * `redis://`, `rediss://` (TLS), or the path of a Unix socket; may carry a user, a password and a database number. A list names the
   * first nodes of a Cluster. Required.
   */
  url: string | string[]
  /** What all keys begin with, for a store that is shared with others. Default `nms-http-auth`. */
  prefix?: string
  /** How often a server renews what it holds, in milliseconds: 100 to 60000. Default 2000; places of a server that died are free after three. */
  heartbeatMs?: number
  /** Nobody waits for the store any longer, in milliseconds: 10 to 10000. Default 250; the server then counts by itself. */
  timeoutMs?: number
  /**
   * Options of ioredis, such as `sentinels` with `name`, or `tls`, whose `ca`, `cert` and `key` are PEM texts or files. Default none.
   * How the connection is kept is the plugin's own affair.
   */
  options?: Record<string, unknown>
}

export const STORE_DEFAULTS = { prefix: 'nms-http-auth', heartbeatMs: 2000, timeoutMs: 250, options: {} } as const

export const STORE_SCHEMA = {
  type: 'object', additionalProperties: false, required: ['url'],
  properties: {
    url: {
      type: ['string', 'array'], format: 'store-url', minItems: 1, uniqueItems: true,
      items: { type: 'string', format: 'store-url' },
      description: 'A Redis or Valkey: redis://, rediss://, or the path of a Unix socket; a list names nodes of a Cluster.'
    },
    prefix: { type: 'string', format: 'store-prefix', default: STORE_DEFAULTS.prefix, description: 'What all keys begin with.' },
    heartbeatMs: {
      type: 'integer', minimum: 100, maximum: 60_000, default: STORE_DEFAULTS.heartbeatMs,
      description: 'How often a server renews what it holds; places of one that died are free after three. In milliseconds.'
    },
    timeoutMs: {
      type: 'integer', minimum: 10, maximum: 10_000, default: STORE_DEFAULTS.timeoutMs,
      description: 'Nobody waits for the store any longer. In milliseconds.'
    },
    options: { type: 'object', default: STORE_DEFAULTS.options, description: 'Options of ioredis, such as tls or sentinels.' }
  },
  description: 'Shares limits and what is remembered with other servers. Off unless it is given.'
} as const

/** What of ioredis's options for TLS is read here; the rest is its own affair. */
const isTls = (value: unknown): value is TlsOptions => typeof value === 'object' && value !== null &&
  (['ca', 'cert', 'key'] as const).every((name) => ['string', 'undefined'].includes(typeof (value as TlsOptions)[name]))

/** Completes the section. ioredis takes texts where its options name certificates; here they may be files, like those of the backend. */
export const storeOf = (given: StoreOptions, baseDir: string, report: (path: string, problem: string) => unknown): StoreSettings => {
  const { url, options, ...rest } = { ...STORE_DEFAULTS, ...given }
  const tls = (options as { tls?: unknown }).tls
  return {
    ...rest,
    urls: [url].flat(),
    options: isTls(tls) ? { ...options, tls: { ...tls, ...readTls(tls, 'httpAuth.store.options.tls', baseDir, report) } } : options
  }
}
