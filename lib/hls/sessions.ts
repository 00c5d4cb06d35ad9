import { limitKey } from '../access/address.js'

/** What the register keeps of one session. */
export interface Session<T> {
  readonly value: T
  /** The key it was opened by. */
  readonly key: string
  /** Those of the other directories that it covers. */
  readonly moreKeys: readonly string[]
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
  /** Gives a session one more key, unless another has it or it has enough; whether it has the key now. */
  cover(session: Session<T>, key: string): boolean
  /** A request begins: the session cannot become idle until `done`. */
  begin(session: Session<T>): void
  /** The request is over: the idle time runs from here. */
  done(session: Session<T>): void
  /** Takes a session out, if it is still in. */
  remove(session: Session<T>): void
  /** Takes all out, as if their time were over. */
  close(): void
  readonly size: number
  /** Keys in use. */
  readonly keys: number
}

/** A reserved place: either a session is opened in it, or it is given back. */
export interface Place<T> {
  open(key: string, value: T): Session<T>
  free(): void
}

export interface SessionsOptions<T> {
  readonly idleMs: number
  readonly maxSessions: number
  readonly maxSessionsPerIp: number
  /** Told of each session whose idle time is over, or that `close` took out. */
  readonly onIdle: (session: Session<T>) => void
  /** Whole milliseconds from any fixed point. */
  readonly now?: () => number
}

/** Directories that one session covers at most, beside its own. */
export const MAX_KEYS = 64
/** Shared by the many that have no more. */
const NONE: string[] = []

/** A link of the list by idle time; the sessions themselves are the links. */
interface Entry<T> extends Session<T> {
  ended: boolean
  moreKeys: string[]
  readonly limit: string
  seenAt: number
  busy: number
  older: Entry<T> | undefined
  newer: Entry<T> | undefined
}

/**
 * Makes an empty register. The sessions hang in a list in the order in which they were last seen,
 * so that a request costs the same however many there are, and one timer serves them all.
 */
export const createSessions = <T>({ idleMs, maxSessions, maxSessionsPerIp, onIdle, now = () => Math.round(performance.now()) }: SessionsOptions<T>): Sessions<T> => {
  const byKey = new Map<string, Entry<T>>()
  const perAddress = new Map<string, number>()
  /** Idle ones are looked for in steps, not for each. */
  const stepMs = Math.min(250, Math.ceil(idleMs / 4))
  let oldest: Entry<T> | undefined
  let newest: Entry<T> | undefined
  let size = 0
  let reserved = 0
  let timer: NodeJS.Timeout | undefined

  const unlink = (entry: Entry<T>): void => {
    if (entry.older === undefined) oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === undefined) newest = entry.older
    else entry.newer.older = entry.older
    entry.older = entry.newer = undefined
  }
  const append = (entry: Entry<T>): void => {
    entry.seenAt = now()
    entry.older = newest
    if (newest === undefined) oldest = entry
    else newest.newer = entry
    newest = entry
  }
  const touch = (entry: Entry<T>): void => {
    if (entry === newest) {
      entry.seenAt = now()
      return
    }
    unlink(entry)
    append(entry)
  }
  const countAddress = (limit: string, by: 1 | -1): void => {
    const count = (perAddress.get(limit) ?? 0) + by
    if (count > 0) perAddress.set(limit, count)
    else perAddress.delete(limit)
  }
  const remove = (entry: Entry<T>): void => {
    if (entry.ended) return
    entry.ended = true
    unlink(entry)
    for (const key of [entry.key, ...entry.moreKeys]) if (byKey.get(key) === entry) byKey.delete(key)
    countAddress(entry.limit, -1)
    size -= 1
  }
  const sweep = (): void => {
    const over = now() - idleMs
    // Each is looked at once: who is busy goes to the end.
    for (let entry = oldest; entry !== undefined && entry.seenAt <= over; entry = oldest) {
      if (entry.busy > 0) {
        touch(entry)
        continue
      }
      remove(entry)
      onIdle(entry)
    }
  }
  const arm = (): void => {
    if (timer !== undefined || oldest === undefined) return
    timer = setTimeout(() => {
      timer = undefined
      sweep()
      arm()
    }, Math.max(stepMs, oldest.seenAt + idleMs - now() + 1))
    timer.unref()
  }

  return {
    find: (key) => byKey.get(key),
    reserve(ip) {
      const limit = limitKey(ip)
      const isFull = (): boolean => size + reserved >= maxSessions || (perAddress.get(limit) ?? 0) >= maxSessionsPerIp
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
        open(key, value) {
          settle()
          const entry: Entry<T> = { value, key, moreKeys: NONE, ended: false, limit, seenAt: 0, busy: 0, older: undefined, newer: undefined }
          byKey.set(key, entry)
          append(entry)
          size += 1
          arm()
          return entry
        },
        free: () => {
          if (settle()) countAddress(limit, -1)
        }
      }
    },
    cover(session, key) {
      const entry = session as Entry<T>
      const owner = byKey.get(key)
      if (owner !== undefined) return owner === entry
      if (entry.ended || entry.moreKeys.length >= MAX_KEYS) return false
      if (entry.moreKeys === NONE) entry.moreKeys = [key]
      else entry.moreKeys.push(key)
      byKey.set(key, entry)
      return true
    },
    begin: (session) => {
      const entry = session as Entry<T>
      entry.busy += 1
      if (!entry.ended) touch(entry)
    },
    done: (session) => {
      const entry = session as Entry<T>
      entry.busy -= 1
      if (!entry.ended) touch(entry)
    },
    remove: (session) => remove(session as Entry<T>),
    close() {
      clearTimeout(timer)
      timer = undefined
      for (let entry = oldest; entry !== undefined; entry = oldest) {
        remove(entry)
        onIdle(entry)
      }
    },
    get size() { return size },
    get keys() { return byKey.size }
  }
}
