/** A link of the list: what is in it carries the links itself. */
export interface Idle {
  seenAt: number
  older: Idle | undefined
  newer: Idle | undefined
}

/** What is idle for the same time, in the order in which it was last seen: each step costs the same, however many there are. */
export class IdleList<E extends Idle> {
  private first: E | undefined
  private last: E | undefined

  /** @param idle - how long, in milliseconds; a reload may change it */
  constructor(private readonly idle: () => number, private readonly now: () => number) {}

  get idleMs(): number { return this.idle() }

  get oldest(): E | undefined { return this.first }

  /** When the oldest will have been idle for long enough; `undefined` if there is none. */
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

  /** Something has been seen again. */
  touch(entry: E): void {
    if (entry === this.last) {
      entry.seenAt = this.now()
      return
    }
    this.unlink(entry)
    this.append(entry)
  }
}
