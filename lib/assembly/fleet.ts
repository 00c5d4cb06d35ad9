import { createHash } from 'node:crypto'
import type { BackendSettings, Settings } from '../access/settings.js'
import type { ConsoleLog } from '../observe/console.js'
import { createSharedMemory, type SharedMemory } from '../policy/shared-memory.js'
import { isForFiles } from '../access/request.js'
import { requestKey } from '../policy/request-key.js'
import { viewerKey } from '../policy/viewer-key.js'
import { SETTLE_MS } from '../sessions/settling.js'
import type { Registry, Selector } from '../sessions/registry.js'
import type { Session } from '../sessions/session.js'
import { safely } from '../safely.js'
import type { EndOrder, Store, StoreStats } from '../sessions/store.js'
import { createStore, type Fingerprint } from '../store/store.js'

/** What this server shares with others. */
export interface Fleet {
  readonly store: Store
  readonly memory: SharedMemory
  /** Tells the other servers that a session is over and its allow no longer counts; if it was `closed`, they end their copies. */
  forgotten(session: Session): void
  /** Ends sessions here with the given function, and on the other servers a user's sessions and copies of these. */
  end(which: Selector, order: EndOrder, endHere: () => number): number
  stats(): StoreStats
  close(): Promise<void>
}

/** What this server does when another one tells it to. */
export interface FleetSubjects {
  readonly sessions: Iterable<Session> & Pick<Registry, 'bar'>
  /** @param keys - of requests, made by `policy/request-key`, and of viewers of files, made by `policy/viewer-key` */
  readonly forgetKeys: (keys: readonly string[], viewers: readonly string[]) => void
}

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12)

/** The options that must be the same on all servers. Nothing secret is included, because its hash could be guessed. */
const backendOf = ({ urls, params, requireHeader, denyBody, rememberMs }: BackendSettings): unknown[] =>
  [urls.map((url) => new URL(url)).map(({ origin, pathname }) => origin + pathname), Object.keys(params), requireHeader, denyBody, rememberMs]

/** A fingerprint of the options in force that must be the same on all servers. */
const createFingerprint = (settings: Settings): (() => Fingerprint) => {
  let made: { readonly of: readonly unknown[], readonly fingerprint: Fingerprint } | undefined
  return () => {
    const { contract, play, publish, limits } = settings
    const of = [contract, play, publish, limits]
    if (made === undefined || of.some((part, index) => part !== made?.of[index])) {
      made = { of, fingerprint: { limits: hashOf(limits), backend: hashOf([contract, backendOf(play), 'refuse' in publish ? null : backendOf(publish)]) } }
    }
    return made.fingerprint
  }
}

/**
 * Connects to the store that several servers share, if the options name one.
 * @param settings - always the ones in force; the store itself never changes
 * @throws HttpAuthError `ERR_STORE_PACKAGE` if ioredis is missing
 */
export const joinFleet = (where: Settings['store'], settings: Settings, log: ConsoleLog, subjects: () => FleetSubjects): Fleet | undefined => {
  if (where === undefined) return undefined
  /**
   * An order from another server is not passed on. The exception is a user's sessions: the other server does not know
   * which requests they belong to here.
   */
  let obeying: 'user' | 'keys' | undefined
  /** How the sessions being ended right now are to be ended. */
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
  const store = createStore(where, createFingerprint(settings), {
    endUser: (isUser, order) => end('user', (session) => isUser(session.shownUser ?? ''), order),
    forget(keys, viewers, order) {
      subjects().forgetKeys(keys, viewers)
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
      if (obeying === 'keys') return
      store.forget([requestKey(request)], isForFiles(request) ? [viewerKey(request)] : [], endReason === 'closed' && obeying === undefined ? ordered : undefined)
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
