import { safely } from '../safely.js'

/** Many deadlines on one timer, which runs only while there are any. */
export interface Wheel<T> {
  /** Each is due once: a later time replaces an earlier one. */
  add(item: T, at: number): void
  delete(item: T): void
  /** Its deadline by the wheel's clock; `undefined` if it is not on the wheel. */
  dueAt(item: T): number | undefined
  close(): void
  readonly size: number
}

/** Length of a notch, in milliseconds: nothing is due later than this after its time. */
const NOTCH_MS = 250

/** Runs a function repeatedly. @returns a function that stops it */
export type Every = (run: () => void, ms: number) => () => void

const every: Every = (run, ms) => {
  const timer = setInterval(safely(undefined, run), ms).unref()
  return () => clearInterval(timer)
}

export const createWheel = <T extends { notch: number }>(onDue: (item: T) => void, now: () => number, runEvery: Every = every): Wheel<T> => {
  const notches = new Map<number, Set<T>>()
  let size = 0
  let turned = 0
  let stop: (() => void) | undefined

  const remove = (item: T): void => {
    const notch = notches.get(item.notch)
    if (!notch?.delete(item)) return
    size -= 1
    if (notch.size === 0) notches.delete(item.notch)
  }
  const turn = (): void => {
    for (const end = Math.floor(now() / NOTCH_MS); turned < end;) {
      turned += 1
      const due = notches.get(turned)
      if (due === undefined) continue
      notches.delete(turned)
      size -= due.size
      for (const item of due) onDue(item)
    }
    if (size > 0) return
    stop?.()
    stop = undefined
  }
  return {
    add(item, at) {
      remove(item)
      if (stop === undefined) {
        turned = Math.floor(now() / NOTCH_MS)
        stop = runEvery(turn, NOTCH_MS)
      }
      item.notch = Math.max(turned + 1, Math.ceil(at / NOTCH_MS))
      let notch = notches.get(item.notch)
      if (notch === undefined) notches.set(item.notch, notch = new Set())
      notch.add(item)
      size += 1
    },
    delete: remove,
    dueAt: (item) => notches.get(item.notch)?.has(item) === true ? item.notch * NOTCH_MS : undefined,
    close() {
      stop?.()
      stop = undefined
      notches.clear()
      size = 0
    },
    get size() { return size }
  }
}
