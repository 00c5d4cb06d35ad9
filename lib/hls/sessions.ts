import { limitKey } from '../access/address.js'
import { safely } from '../safely.js'
import { IdleList, type Idle } from './idle-list.js'
import { Keys, type Holder } from './keys.js'

/** What the register keeps of one session. */
export interface Session<T> {
  readonly value: T
  /** The key it was opened by. */
  readonly key: string
  /** The other directories that it covers, by their keys. */
  readonly moreKeys: ReadonlyMap<string, string>
  readonly ended: boolean
}

/** The viewers of files who are there now. */
export interface Sessions<T> {
  /** The session that has this key. */
  find(key: string): Session<T> | undefined
  /**
   * Takes a place for a session that may be opened; `undefined` if the limits leave none: those
   * whose time is over have made room by then, and who is live never does.
   */
  reserve(ip: string): Place<T> | undefined
  /** A session has been sent a playlist which names these directories; see `Keys.cover`. */
  cover(session: Session<T>, playlist: string, names: readonly string[], keyOf: (name: string) => string): void
  /** A session covers what it has covered on another server. */
  restore(session: Session<T>, keys: ReadonlyMap<string, string>): void
  /** Whether a session may be silent for `vodIdleMs` instead of `idleMs`. */
  linger(session: Session<T>, long: boolean): void
  /** A request begins: the session cannot become idle until `done`. */
  begin(session: Session<T>): void
  /** The request is over: the idle time runs from here. */
  done(session: Session<T>): void
  /** How long it has asked for nothing, in milliseconds; 0 while something is sent. */
  quietMs(session: Session<T>): number
  /** Takes a session out, if it is still in, with all that it covers. */
  remove(session: Session<T>): void
  /** Takes all out, as if their time were over. */
  close(): void
  readonly size: number
  /** Keys in use. */
  readonly keys: number
}

/** A reserved place: either a session is opened in it, or it is given back. */
export interface Place<T> {
  /** @param moreKeys - what it covers already, since it comes back */
  open(key: string, value: T, moreKeys?: ReadonlyMap<string, string>): Session<T>
  free(): void
}

/** Times and limits are read at each use: a reload may change them. */
export interface SessionsOptions<T> {
  readonly idleMs: number
  /** For those that linger. Default `idleMs`. */
  readonly vodIdleMs?: number
  readonly maxSessions: number
  readonly maxSessionsPerIp: number
  /** Told of each session whose idle time is over, or that `close` took out. */
  readonly onIdle: (session: Session<T>) => void
  /** Whole milliseconds from any fixed point. */
  readonly now?: () => number
}

const NONE: ReadonlyMap<string, string> = new Map()

/** A session is a link of the list by idle time that it hangs in. */
class Entry<T> implements Session<T>, Holder, Idle {
  ended = false
  covered: Holder['covered']
  seenAt = 0
  busy = 0
  older: Idle | undefined
  newer: Idle | undefined

  constructor(readonly key: string, readonly value: T, readonly limit: string, public list: IdleList<Entry<T>>) {}

  get moreKeys(): ReadonlyMap<string, string> { return this.covered?.keys ?? NONE }
}

/**
 * Makes an empty register. The sessions hang in lists in the order in which they were last seen, so
 * that a request costs the same however many there are, and one timer serves them all.
 */
export const createSessions = <T>(options: SessionsOptions<T>): Sessions<T> => {
  const { onIdle, now = () => Math.round(performance.now()) } = options
  const keys = new Keys<Entry<T>>()
  const [short, long] = [new IdleList<Entry<T>>(() => options.idleMs, now), new IdleList<Entry<T>>(() => options.vodIdleMs ?? options.idleMs, now)]
  const lists = [short, long]
  const perAddress = new Map<string, number>()
  /** Idle ones are looked for in steps, not for each. */
  const stepMs = (): number => Math.min(250, Math.ceil(options.idleMs / 4))
  let size = 0
  let reserved = 0
  let timer: NodeJS.Timeout | undefined
  let timerAt = 0

  const countAddress = (limit: string, by: 1 | -1): void => {
    const count = (perAddress.get(limit) ?? 0) + by
    if (count > 0) perAddress.set(limit, count)
    else perAddress.delete(limit)
  }
  const remove = (entry: Entry<T>): void => {
    if (entry.ended) return
    entry.ended = true
    entry.list.unlink(entry)
    keys.close(entry)
    countAddress(entry.limit, -1)
    size -= 1
  }
  const end = (entry: Entry<T>): void => {
    remove(entry)
    onIdle(entry)
  }
  const sweep = (): void => {
    for (const list of lists) {
      const over = now() - list.idleMs
      // Each is looked at once: who is busy goes to the end.
      for (let entry = list.oldest; entry !== undefined && entry.seenAt <= over; entry = list.oldest) {
        if (entry.busy > 0) list.touch(entry)
        else end(entry)
      }
    }
  }
  const arm = (): void => {
    const dueAt = Math.min(...lists.map((list) => list.dueAt ?? Infinity))
    if (timer !== undefined && timerAt <= dueAt) return
    clearTimeout(timer)
    timer = undefined
    if (dueAt === Infinity) return
    timerAt = Math.max(now() + stepMs(), dueAt + 1)
    timer = setTimeout(safely(undefined, () => {
      timer = undefined
      sweep()
      arm()
    }), timerAt - now())
    timer.unref()
  }

  return {
    find: (key) => keys.find(key),
    reserve(ip) {
      const limit = limitKey(ip)
      const isFull = (): boolean => size + reserved >= options.maxSessions || (perAddress.get(limit) ?? 0) >= options.maxSessionsPerIp
      if (isFull()) sweep()
      if (isFull()) return undefined
      reserved += 1
      countAddress(limit, 1)
      let open = true
      const settle = (): boolean => {
        if (!open) return false
        open = false
        reserved -= 1
        return true
      }
      return {
        open(key, value, moreKeys = NONE) {
          settle()
          const entry = new Entry(key, value, limit, short)
          keys.open(entry)
          if (moreKeys.size > 0) keys.restore(entry, moreKeys)
          short.append(entry)
          size += 1
          arm()
          return entry
        },
        free: () => {
          if (settle()) countAddress(limit, -1)
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
      arm()
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
      clearTimeout(timer)
      timer = undefined
      for (const list of lists) for (let entry = list.oldest; entry !== undefined; entry = list.oldest) end(entry)
    },
    get size() { return size },
    get keys() { return keys.size }
  }
}
