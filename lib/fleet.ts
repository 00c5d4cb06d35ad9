import { createHash } from 'node:crypto'
import type { BackendSettings, Settings } from './access/settings.js'
import type { ConsoleLog } from './observe/console.js'
import { createSharedMemory, type SharedMemory } from './policy/shared-memory.js'
import type { EndOrder, Store } from './sessions/store.js'
import { createStore } from './store/store.js'

/** What this server shares with others. */
export interface Fleet {
  readonly store: Store
  readonly memory: SharedMemory
}

/** What is done here because another server says so. */
export interface FleetOrders {
  endUser(isUser: (user: string) => boolean, order: EndOrder): void
  /** @param keys of requests, as `policy/request-key` makes them */
  forget(keys: readonly string[], order: EndOrder): void
}

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12)

/** What must be the same on all servers, without anything secret: a hash of that could be guessed. */
const backendOf = ({ urls, params, requireHeader, denyBody, rememberMs }: BackendSettings): unknown[] =>
  [urls.map((url) => new URL(url)).map(({ origin, pathname }) => origin + pathname), Object.keys(params), requireHeader, denyBody, rememberMs]

/**
 * Connects to the store that several servers share, if the options name one.
 * @throws HttpAuthError `ERR_STORE_PACKAGE` if ioredis is missing
 */
export const joinFleet = ({ store: settings, play, publish, contract }: Settings, log: ConsoleLog, orders: FleetOrders): Fleet | undefined => {
  if (settings === undefined) return undefined
  const backend = hashOf([contract, backendOf(play), 'refuse' in publish ? null : backendOf(publish)])
  const store = createStore(settings, { limits: hashOf(null), backend }, {
    ...orders,
    over: () => undefined,
    onAway: (reason) => log.notice(`the store is away, this server counts and remembers by itself: ${reason}`),
    onBack: (awayMs) => log.notice(awayMs === 0 ? 'the store answers' : `the store is back after ${Math.round(awayMs / 100) / 10} s`),
    onDiffers: (what) => log.error(`another server with the same store has ${what === 'limits' ? 'other limits' : 'another backend'}: all must have the same`)
  })
  return { store, memory: createSharedMemory(store) }
}
