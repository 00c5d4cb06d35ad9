import { createHash } from 'node:crypto'
import type { BackendSettings, Settings } from './access/settings.js'
import type { ConsoleLog } from './observe/console.js'
import { createSharedMemory, type SharedMemory } from './policy/shared-memory.js'
import { requestKey } from './policy/request-key.js'
import { SETTLE_MS } from './sessions/limits.js'
import type { Registry, Selector } from './sessions/registry.js'
import { shownUserOf, type Session } from './sessions/session.js'
import { safely } from './safely.js'
import type { EndOrder, Store, StoreStats } from './sessions/store.js'
import { createStore } from './store/store.js'

/** What this server shares with others. */
export interface Fleet {
  readonly store: Store
  readonly memory: SharedMemory
  /** Tells the others that a session is over so that its allow does not count any more; of one that was `closed` their copies end. */
  forgotten(session: Session): void
  /** Ends sessions here by the given function; those of a user, and copies of others, on the other servers, too. */
  end(which: Selector, order: EndOrder, endHere: () => number): number
  stats(): StoreStats
  close(): Promise<void>
}

/** What is done here because another server says so. */
export interface FleetSubjects {
  readonly sessions: Iterable<Session> & Pick<Registry, 'bar'>
  /** @param keys of requests, as `policy/request-key` makes them */
  readonly forgetKeys: (keys: readonly string[]) => void
}

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12)

/** What must be the same on all servers, without anything secret: a hash of that could be guessed. */
const backendOf = ({ urls, params, requireHeader, denyBody, rememberMs }: BackendSettings): unknown[] =>
  [urls.map((url) => new URL(url)).map(({ origin, pathname }) => origin + pathname), Object.keys(params), requireHeader, denyBody, rememberMs]

/**
 * Connects to the store that several servers share, if the options name one.
 * @throws HttpAuthError `ERR_STORE_PACKAGE` if ioredis is missing
 */
export const joinFleet = ({ store: settings, play, publish, contract, limits }: Settings, log: ConsoleLog, subjects: () => FleetSubjects): Fleet | undefined => {
  if (settings === undefined) return undefined
  /** What another server has told is not told again; only it does not know which requests a user's sessions here are for. */
  let obeying: 'user' | 'keys' | undefined
  /** How the sessions are to be ended that are being ended now. */
  let ordered: EndOrder = {}
  const end = (by: typeof obeying, meant: (session: Session) => boolean, { message, barMs = 0 }: EndOrder): void => {
    const { sessions } = subjects()
    obeying = by
    try {
      for (const session of [...sessions].filter(meant)) {
        if (barMs > 0) sessions.bar(requestKey(session.request), barMs)
        session.close('closed', message)
      }
    } finally {
      obeying = undefined
    }
  }
  const backend = hashOf([contract, backendOf(play), 'refuse' in publish ? null : backendOf(publish)])
  const store = createStore(settings, { limits: hashOf(limits), backend }, {
    endUser: (isUser, order) => end('user', (session) => isUser(shownUserOf(session) ?? ''), order),
    forget(keys, order) {
      subjects().forgetKeys(keys)
      if (order === undefined) return
      const closed = new Set(keys)
      for (const key of keys) if ((order.barMs ?? 0) > 0) subjects().sessions.bar(key, order.barMs ?? 0)
      end('keys', ({ request }) => closed.has(requestKey(request)), order)
    },
    over: (lease) => { setTimeout(safely(undefined, () => void lease.settle()), SETTLE_MS).unref() },
    onAway: (reason) => log.notice(`the store is away, this server counts and remembers by itself: ${reason}`),
    onBack: (awayMs) => log.notice(`the store is back after ${Math.round(awayMs / 100) / 10} s`),
    onDiffers: (what) => log.error(`another server with the same store has ${what === 'limits' ? 'other limits' : 'another backend'}: all must have the same`)
  })
  return {
    store,
    memory: createSharedMemory(store),
    forgotten({ request, endReason }) {
      if (obeying !== 'keys') store.forget([requestKey(request)], endReason === 'closed' && obeying === undefined ? ordered : undefined)
    },
    end(which, order, endHere) {
      if ('user' in which) store.endUser(which.user, order)
      ordered = order
      try {
        return endHere()
      } finally {
        ordered = {}
      }
    },
    stats: store.stats,
    close: store.close
  }
}
