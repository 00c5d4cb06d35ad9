import { Capacity } from './capacity.js'
import { IdleList } from './idle-list.js'
import { Keys } from './keys.js'
import { Entry, NO_KEYS, type Session } from './session.js'
import { Sweeper } from './sweeper.js'

/** The current sessions of viewers of files. */
export interface Sessions<T> {
  /** The session that has this key. */
  find(key: string): Session<T> | undefined
  /**
   * Reserves a place for a session that may be opened; `undefined` if the limits leave none. Idle sessions are ended first
   * to make room; active ones never are.
   */
  reserve(ip: string): Place<T> | undefined
  /** Covers the directories named by a playlist that the session was sent; see `Keys.cover`. */
  cover(session: Session<T>, playlist: string, names: readonly string[], keyOf: (name: string) => string): void
  /** Covers what the session has covered on another server. */
  restore(session: Session<T>, keys: ReadonlyMap<string, string>): void
  /** Whether a session may be silent for `vodIdleMs` instead of `idleMs`. */
  linger(session: Session<T>, long: boolean): void
  /** A request begins: the session does not become idle before `done`. */
  begin(session: Session<T>): void
  /** The request is over: the idle time starts now. */
  done(session: Session<T>): void
  /** Time since its last request, in milliseconds; 0 while a response is being sent. */
  quietMs(session: Session<T>): number
  /** Removes a session, if it is still there, with everything it covers. */
  remove(session: Session<T>): void
  /** Ends all sessions as if they were idle. */
  close(): void
  readonly size: number
  /** Keys in use. */
  readonly keys: number
}

/** A reserved place: call either `open` or `free`. */
export interface Place<T> {
  /** @param moreKeys - what a resumed session already covers */
  open(key: string, value: T, moreKeys?: ReadonlyMap<string, string>): Session<T>
  free(): void
}

/** Times and limits are read at each use: a reload may change them. */
export interface SessionsOptions<T> {
  readonly idleMs: number
  /** For sessions that linger. Default `idleMs`. */
  readonly vodIdleMs?: number
  readonly maxSessions: number
  readonly maxSessionsPerIp: number
  /** Called for each session that became idle or was ended by `close`. */
  readonly onIdle: (session: Session<T>) => void
  /** A clock in whole milliseconds. */
  readonly now?: () => number
}

/**
 * Makes an empty register. Sessions are kept in lists ordered by when they were last seen, so that a request costs the same
 * however many there are, and one timer serves them all.
 */
export const createSessions = <T>(options: SessionsOptions<T>): Sessions<T> => {
  const { onIdle, now = () => Math.round(performance.now()) } = options
  const keys = new Keys<Entry<T>>()
  const capacity = new Capacity(options)
  const [short, long] = [new IdleList<Entry<T>>(() => options.idleMs, now), new IdleList<Entry<T>>(() => options.vodIdleMs ?? options.idleMs, now)]
  let size = 0

  const remove = (entry: Entry<T>): void => {
    if (entry.ended) return
    entry.ended = true
    entry.list.unlink(entry)
    keys.close(entry)
    capacity.free(entry.limit)
    size -= 1
  }
  const end = (entry: Entry<T>): void => {
    remove(entry)
    onIdle(entry)
  }
  const sweeper = new Sweeper([short, long], now, () => Math.min(250, Math.ceil(options.idleMs / 4)), end)

  return {
    find: (key) => keys.find(key),
    reserve(ip) {
      const limit = capacity.keyOf(ip)
      if (capacity.isFull(limit)) sweeper.sweep()
      if (capacity.isFull(limit)) return undefined
      capacity.take(limit)
      let open = true
      return {
        open(key, value, moreKeys = NO_KEYS) {
          open = false
          const entry = new Entry(key, value, limit, short)
          keys.open(entry)
          if (moreKeys.size > 0) keys.restore(entry, moreKeys)
          short.append(entry)
          size += 1
          sweeper.arm()
          return entry
        },
        free: () => {
          if (open) capacity.free(limit)
          open = false
        }
      }
    },
    cover(session, playlist, names, keyOf) {
      const entry = session as Entry<T>
      if (!entry.ended) keys.cover(entry, playlist, names, keyOf)
    },
    restore(session, more) {
      const entry = session as Entry<T>
      if (!entry.ended) keys.restore(entry, more)
    },
    linger(session, lingers) {
      const entry = session as Entry<T>
      const list = lingers ? long : short
      if (entry.ended || entry.list === list) return
      entry.list.unlink(entry)
      entry.list = list
      list.append(entry)
      sweeper.arm()
    },
    begin: (session) => {
      const entry = session as Entry<T>
      entry.busy += 1
      if (!entry.ended) entry.list.touch(entry)
    },
    done: (session) => {
      const entry = session as Entry<T>
      entry.busy -= 1
      if (!entry.ended) entry.list.touch(entry)
    },
    quietMs: (session) => {
      const { busy, seenAt } = session as Entry<T>
      return busy > 0 ? 0 : now() - seenAt
    },
    remove: (session) => remove(session as Entry<T>),
    close() {
      sweeper.stop()
      for (const list of [short, long]) for (let entry = list.oldest; entry !== undefined; entry = list.oldest) end(entry)
    },
    get size() { return size },
    get keys() { return keys.size }
  }
}
