import { safely } from '../safely.js'
import type { IdleList } from './idle-list.js'
import type { Entry } from './session.js'

/** Ends sessions whose idle time is over, with one timer for all of them. */
export class Sweeper<T> {
  private timer: NodeJS.Timeout | undefined
  private timerAt = 0

  /** @param stepMs - the timer runs in steps of this, not for each session */
  constructor(private readonly lists: readonly IdleList<Entry<T>>[], private readonly now: () => number, private readonly stepMs: () => number, private readonly end: (entry: Entry<T>) => void) {}

  /** Ends the sessions that are idle now. */
  sweep(): void {
    for (const list of this.lists) {
      const over = this.now() - list.idleMs
      // Each is visited once: a busy one goes to the end.
      for (let entry = list.oldest; entry !== undefined && entry.seenAt <= over; entry = list.oldest) {
        if (entry.busy > 0) list.touch(entry)
        else this.end(entry)
      }
    }
  }

  /** Call it after adding to a list. */
  arm(): void {
    const dueAt = Math.min(...this.lists.map((list) => list.dueAt ?? Infinity))
    if (this.timer !== undefined && this.timerAt <= dueAt) return
    this.stop()
    if (dueAt === Infinity) return
    this.timerAt = Math.max(this.now() + this.stepMs(), dueAt + 1)
    this.timer = setTimeout(safely(undefined, () => {
      this.timer = undefined
      this.sweep()
      this.arm()
    }), this.timerAt - this.now())
    this.timer.unref()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }
}
