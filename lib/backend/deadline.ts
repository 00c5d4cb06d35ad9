import { safely } from '../safely.js'

/** Waits with a time limit. */
export interface Waiting {
  /** A quarter of the time is over. */
  late(): void
  expire(): void
  /** One of these callbacks has thrown. */
  fail(error: unknown): void
}

const fail = (error: unknown, { waiting }: Deadline): void => waiting.fail(error)
const onQuarter = safely(fail, (deadline: Deadline) => deadline.onQuarter())
const expire = safely(fail, ({ waiting }: Deadline) => waiting.expire())
const afterPoll = safely(fail, (deadline: Deadline) => { setImmediate(expire, deadline) })

/** A time limit in four quarters, each with its own timer, so that a stall of this process lengthens only the quarter it falls into. */
export class Deadline {
  private quartersLeft = 4
  private timer: NodeJS.Timeout

  /** @param ms - from now on */
  constructor(readonly ms: number, readonly waiting: Waiting) { this.timer = setTimeout(onQuarter, ms / 4, this) }

  get isOver(): boolean { return this.quartersLeft === 0 }

  onQuarter(): void {
    this.quartersLeft -= 1
    // Reads first what has arrived meanwhile; TLS needs one more round.
    if (this.isOver) setImmediate(afterPoll, this)
    else this.timer = setTimeout(onQuarter, this.ms / 4, this)
    if (this.quartersLeft === 3) this.waiting.late()
  }
  cancel(): void { clearTimeout(this.timer) }
}
