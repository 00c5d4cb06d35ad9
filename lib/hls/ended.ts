/** Ended sessions that their viewers may still resume. */
export interface Ended<T> {
  /** Keeps a session under each of its keys, unless it can no longer be resumed. */
  add(keys: readonly string[], session: T): void
  find(key: string): T | undefined
  forget(key: string): void
  /** Keys that are kept. */
  readonly size: number
}

/** Most keys kept. */
export const MAX_ENDED = 20_000
/** Most bytes kept under them. */
const MAX_ENDED_BYTES = 16 * 1024 * 1024

/**
 * Keeps sessions for as long as they can be resumed; the one that ended first is dropped first.
 * @param lasts - whether a session can still be resumed; once it returns false, it always does
 * @param costOf - bytes kept for one session
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
  /** Drops expired sessions from the old end, and more if there is no room. */
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
