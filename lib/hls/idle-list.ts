/** An element of the list; it carries its own links. */
export interface Idle {
  seenAt: number
  older: Idle | undefined
  newer: Idle | undefined
}

/** Elements with the same idle time, ordered by when they were last seen, so that every operation is O(1). */
export class IdleList<E extends Idle> {
  private first: E | undefined
  private last: E | undefined

  /** @param idle - the idle time, in milliseconds; a reload may change it */
  constructor(private readonly idle: () => number, private readonly now: () => number) {}

  get idleMs(): number { return this.idle() }

  get oldest(): E | undefined { return this.first }

  /** When the oldest element's idle time is over; `undefined` if the list is empty. */
  get dueAt(): number | undefined { return this.first === undefined ? undefined : this.first.seenAt + this.idleMs }

  append(entry: E): void {
    entry.seenAt = this.now()
    entry.older = this.last
    if (this.last === undefined) this.first = entry
    else this.last.newer = entry
    this.last = entry
  }

  unlink(entry: E): void {
    if (entry.older === undefined) this.first = entry.newer as E | undefined
    else entry.older.newer = entry.newer
    if (entry.newer === undefined) this.last = entry.older as E | undefined
    else entry.newer.older = entry.older
    entry.older = entry.newer = undefined
  }

  /** An element has been seen again. */
  touch(entry: E): void {
    if (entry === this.last) {
      entry.seenAt = this.now()
      return
    }
    this.unlink(entry)
    this.append(entry)
  }
}
