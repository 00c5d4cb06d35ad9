import { createRequire } from 'node:module'
import type * as ioredis from 'ioredis'
import type { StoreSettings } from '../access/settings.js'
import { HttpAuthError } from '../errors.js'
import { guardReplies, type DataHandler } from './reply-guard.js'
import { SCRIPTS, type ScriptName } from './scripts.js'

/** A connection to the store, with the scripts as its methods. */
export type Client = (ioredis.Redis | ioredis.Cluster) & Readonly<Record<`nha_${ScriptName}`, (keys: number, ...args: readonly (string | number)[]) => Promise<unknown>>>

const load = createRequire(import.meta.url)

/** Longest pause before reconnecting, in milliseconds. */
const MAX_PAUSE_MS = 1000
const CONNECT_MS = 2000

interface Package { readonly Redis: typeof ioredis.Redis, readonly Cluster: typeof ioredis.Cluster, readonly watch: ReturnType<typeof guardReplies> }
let loaded: Package | undefined

/**
 * Loads ioredis, which only operators with a store install.
 * @throws HttpAuthError `ERR_STORE_PACKAGE` if it is missing or of an unsupported version
 */
const loadPackage = (): Package => {
  if (loaded) return loaded
  const advice = 'Run: npm install ioredis@6'
  let version: string
  try {
    version = (load('ioredis/package.json') as { version: string }).version
  } catch (cause) {
    throw new HttpAuthError('ERR_STORE_PACKAGE', `httpAuth.store needs the package ioredis. ${advice}`, { cause })
  }
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major !== 6 && (major !== 5 || minor < 4)) {
    throw new HttpAuthError('ERR_STORE_PACKAGE', `httpAuth.store: ioredis ${version} is not supported (needs ^5.4 or ^6). ${advice}`)
  }
  const { Redis, Cluster } = load('ioredis') as typeof ioredis
  try {
    const { default: handler } = load('ioredis/built/DataHandler') as { readonly default: DataHandler }
    return loaded = { Redis, Cluster, watch: guardReplies(handler) }
  } catch (cause) {
    throw new HttpAuthError('ERR_STORE_PACKAGE', `httpAuth.store: ioredis ${version} cannot be guarded against malformed replies. ${advice}`, { cause })
  }
}

/**
 * ioredis's defaults for an absent store would be an outage of their own: it queues, waits for seconds, and resends
 * abandoned commands. None of that is wanted here, whatever the operator's options say.
 */
const OURS = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: CONNECT_MS,
  // How long closing a connection may take before it is destroyed: the peer may be gone.
  disconnectTimeout: 100,
  // The scripts build keys that ioredis would not see.
  keyPrefix: ''
} satisfies ioredis.RedisOptions

const pause = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt - 1, 10), MAX_PAUSE_MS)

/** Makes a client that is not connected yet. */
export const createClient = ({ urls, options }: StoreSettings): Client => {
  const { Redis, Cluster, watch } = loadPackage()
  const own = { ...options, ...OURS }
  const [url = '', ...more] = urls
  const client = more.length === 0
    ? new Redis(url, { ...own, retryStrategy: pause })
    : new Cluster([...urls], {
      lazyConnect: true, enableOfflineQueue: false, clusterRetryStrategy: pause, redisOptions: own
    })
  watch(client)
  for (const [name, lua] of Object.entries(SCRIPTS)) client.defineCommand(`nha_${name}`, { lua })
  return client as Client
}
