import type { StoreSettings } from '../access/settings.js'
import type { TlsOptions } from './options.js'
import { readTls } from './tls.js'

/** A Redis or Valkey that several servers share. Without it each server counts and remembers by itself. */
export interface StoreOptions {
  /**
   * `redis://`, `rediss://` (TLS), or the path of a Unix socket, with user, password and database number if needed. A list names the
   * first nodes of a Cluster. Required.
   */
  url: string | string[]
  /** Prefix of all keys, for a store that other programs use as well. Default `nms-http-auth`. */
  prefix?: string
  /** How often a server renews its places, in milliseconds: 100 to 60000. Default 2000; the places of a dead server are free after three heartbeats. */
  heartbeatMs?: number
  /** The longest that anybody waits for the store, in milliseconds: 10 to 10000. Default 250; after that the server counts by itself. */
  timeoutMs?: number
  /**
   * Options of ioredis, such as `sentinels` with `name`, or `tls`, whose `ca`, `cert` and `key` are PEM texts or files. Default none.
   * Options about reconnecting, queues and retries have no effect: the plugin sets these itself.
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
    prefix: { type: 'string', format: 'store-prefix', default: STORE_DEFAULTS.prefix, description: 'Prefix of all keys.' },
    heartbeatMs: {
      type: 'integer', minimum: 100, maximum: 60_000, default: STORE_DEFAULTS.heartbeatMs,
      description: 'How often a server renews its places; those of a dead server are free after three heartbeats. In milliseconds.'
    },
    timeoutMs: {
      type: 'integer', minimum: 10, maximum: 10_000, default: STORE_DEFAULTS.timeoutMs,
      description: 'The longest that anybody waits for the store. In milliseconds.'
    },
    options: { type: 'object', default: STORE_DEFAULTS.options, description: 'Options of ioredis, such as tls or sentinels.' }
  },
  description: 'Shares limits and remembered allows with other servers. Off unless it is set.'
} as const

/** The TLS options that may be files; the others are passed to ioredis as they are. */
const isTls = (value: unknown): value is TlsOptions => typeof value === 'object' && value !== null &&
  (['ca', 'cert', 'key'] as const).every((name) => ['string', 'undefined'].includes(typeof (value as TlsOptions)[name]))

/** Completes the section. ioredis takes certificates as texts; here they may also be files, as in the backend's `tls`. */
export const storeOf = (given: StoreOptions, baseDir: string, report: (path: string, problem: string) => unknown): StoreSettings => {
  const { url, options, ...rest } = { ...STORE_DEFAULTS, ...given }
  const tls = (options as { tls?: unknown }).tls
  return {
    ...rest,
    urls: [url].flat(),
    options: isTls(tls) ? { ...options, tls: { ...tls, ...readTls(tls, 'httpAuth.store.options.tls', baseDir, report) } } : options
  }
}
