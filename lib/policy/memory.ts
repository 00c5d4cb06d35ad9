import type { Verdict } from '../access/verdict.js'

/** The most allows that a step remembers; about 300 bytes each. */
export const MAX_REMEMBERED = 100_000

/** Milliseconds since a fixed point; must be monotonic. */
export type Clock = () => number

/** Verdicts that are valid for a while; the oldest are dropped first. */
export interface Memory {
  /** @param after - what was set by then does not count */
  get(key: string, after?: number): Verdict | undefined
  set(key: string, verdict: Verdict, forMs: number): void
  forget(key: string): void
  /** When the last entry ever set will have expired. */
  readonly until: number
  readonly size: number
}

export const createMemory = (now: Clock = () => performance.now(), max = MAX_REMEMBERED): Memory => {
  const entries = new Map<string, { verdict: Verdict, at: number, until: number }>()
  let last = -Infinity

  /** Drops expired entries at the old end, and one more if there is no room. */
  const makeRoom = (): void => {
    const at = now()
    for (const [key, { until }] of entries) {
      if (until > at && entries.size < max) return
      entries.delete(key)
    }
  }

  return {
    get(key, after = -Infinity) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      const leftMs = entry.until - now()
      // A duration from the backend is reduced to what remains of it.
      if (leftMs > 0 && entry.at > after) return entry.verdict.validForMs === undefined ? entry.verdict : { ...entry.verdict, validForMs: leftMs }
      entries.delete(key)
      return undefined
    },
    set(key, verdict, forMs) {
      entries.delete(key)
      makeRoom()
      const at = now()
      last = Math.max(last, at + forMs)
      entries.set(key, { verdict, at, until: at + forMs })
    },
    forget: (key) => { entries.delete(key) },
    get until() { return last },
    get size() { return entries.size }
  }
}
