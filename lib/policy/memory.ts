import type { Verdict } from '../access/verdict.js'

/** How many allows are remembered at most, per step; about 300 bytes each. */
export const MAX_REMEMBERED = 100_000

/** Milliseconds from any fixed point; must never jump. */
export type Clock = () => number

/** Allow verdicts that are good for a while; the oldest go first. */
export interface Memory {
  get(key: string): Verdict | undefined
  set(key: string, verdict: Verdict, forMs: number): void
  forget(key: string): void
  readonly size: number
}

export const createMemory = (now: Clock = () => performance.now(), max = MAX_REMEMBERED): Memory => {
  const entries = new Map<string, { verdict: Verdict, until: number }>()

  /** Drops what is over at the old end, and one more if there is no room. */
  const makeRoom = (): void => {
    const at = now()
    for (const [key, { until }] of entries) {
      if (until > at && entries.size < max) return
      entries.delete(key)
    }
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      const leftMs = entry.until - now()
      // What the backend said to hold for a time holds for the rest of it.
      if (leftMs > 0) return entry.verdict.validForMs === undefined ? entry.verdict : { ...entry.verdict, validForMs: leftMs }
      entries.delete(key)
      return undefined
    },
    set(key, verdict, forMs) {
      entries.delete(key)
      makeRoom()
      entries.set(key, { verdict, until: now() + forMs })
    },
    forget: (key) => { entries.delete(key) },
    get size() { return entries.size }
  }
}
