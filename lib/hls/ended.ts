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

/**
 * Keeps them as long as they can be come back to; the first to end goes first.
 * @param lasts - whether one can still be come back to; once it cannot, it never can again
 */
export const createEnded = <T>(lasts: (session: T) => boolean, max = MAX_ENDED): Ended<T> => {
  const byKey = new Map<string, T>()

  /** Drops what is over at the old end, and more if there is no room. */
  const makeRoom = (): void => {
    for (const [key, session] of byKey) {
      if (byKey.size <= max && lasts(session)) return
      byKey.delete(key)
    }
  }

  return {
    add(keys, session) {
      const kept = lasts(session)
      for (const key of keys) {
        byKey.delete(key)
        if (kept) byKey.set(key, session)
      }
      makeRoom()
    },
    find(key) {
      const session = byKey.get(key)
      if (session === undefined || lasts(session)) return session
      byKey.delete(key)
      return undefined
    },
    forget: (key) => { byKey.delete(key) },
    get size() { return byKey.size }
  }
}
