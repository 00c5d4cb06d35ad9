import { safely } from '../safely.js'
import { Departure, type LeaveSignal } from '../access/departure.js'
/** Sessions being opened: many requests may wait for one verdict. */
export interface Openings<T> {
  find(key: string): Opening<T> | undefined
  /** Starts opening one. The signal passed to `open` is aborted when nobody waits any more; a rejection reaches everybody waiting. */
  begin(key: string, open: (signal: LeaveSignal) => Promise<T>): Opening<T>
  readonly size: number
}

export interface Opening<T> {
  /** Waits for the result; resolves with `undefined` when the waiting client leaves. */
  wait(signal: LeaveSignal): Promise<T | undefined>
}

export const createOpenings = <T>(): Openings<T> => {
  const byKey = new Map<string, Opening<T>>()
  return {
    find: (key) => byKey.get(key),
    begin(key, open) {
      const abandoned = new Departure()
      let waiting = 0
      const forget = (): void => {
        if (byKey.get(key) === opening) byKey.delete(key)
      }
      const opened = open(abandoned).finally(forget)
      opened.catch(() => undefined)
      const opening: Opening<T> = {
        wait: (signal) => new Promise((resolve, reject) => {
          const abandon = (): void => {
            resolve(undefined)
            if (waiting > 0) return
            forget()
            abandoned.abort()
          }
          if (signal.aborted) return abandon()
          waiting += 1
          const leave = safely(undefined, () => {
            signal.removeEventListener('abort', leave)
            waiting -= 1
            abandon()
          })
          signal.addEventListener('abort', leave)
          opened.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
        })
      }
      byKey.set(key, opening)
      return opening
    },
    get size() { return byKey.size }
  }
}
