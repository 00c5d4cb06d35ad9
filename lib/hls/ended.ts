/** Ended sessions whose viewers may come back to them. */
export interface Ended<T> {
  /** Notes one under each of its keys, unless it is over for good. */
  add(keys: readonly string[], session: T): void
  find(key: string): T | undefined
  forget(key: string): void
  /** Keys that are kept. */
  readonly size: number
}

/** Keys that are kept at most. */
export const MAX_ENDED = 20_000
/** Bytes of what is kept under them. */
const MAX_ENDED_BYTES = 16 * 1024 * 1024

/**
 * Keeps them as long as they can be come back to; the first to end goes first.
 * @param lasts - whether one can still be come back to; once it cannot, it never can again
 * @param costOf - bytes of what is kept for one
 */
export const createEnded = <T>(lasts: (session: T) => boolean, max = MAX_ENDED, costOf: (session: T) => number = () => 0, maxBytes = MAX_ENDED_BYTES): Ended<T> => {
  const byKey = new Map<string, T>()
  let bytes = 0

  const drop = (key: string): void => {
    const session = byKey.get(key)
    if (session === undefined) return
    byKey.delete(key)
    bytes -= costOf(session)
  }
  /** Drops what is over at the old end, and more if there is no room. */
  const makeRoom = (): void => {
    for (const [key, session] of byKey) {
      if (byKey.size <= max && bytes <= maxBytes && lasts(session)) return
      drop(key)
    }
  }

  return {
    add(keys, session) {
      const kept = lasts(session)
      for (const key of keys) {
        drop(key)
        if (!kept) continue
        byKey.set(key, session)
        bytes += costOf(session)
      }
      makeRoom()
    },
    find(key) {
      const session = byKey.get(key)
      if (session === undefined || lasts(session)) return session
      drop(key)
      return undefined
    },
    forget: drop,
    get size() { return byKey.size }
  }
}
