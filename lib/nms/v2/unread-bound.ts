import { LEFT_ANSWERS_UNREAD, LEFT_UNREAD, Unread } from '../common/unread.js'

/** Where NMS writes a client's bytes. */
interface Output { write: (...args: unknown[]) => unknown }

/** Ends a client that leaves too much unread. NMS writes in a dozen places, so every write is checked. */
export class UnreadBound {
  private unread: Unread | undefined
  private readonly nmsWrite: Output['write']
  private readonly isOwn: boolean

  /** @param queued - bytes waiting to be sent to the client */
  constructor(private readonly output: Output, private readonly queued: () => number, private readonly cut: (detail: string) => void) {
    this.nmsWrite = output.write
    this.isOwn = Object.hasOwn(output, 'write')
    output.write = (...args) => {
      const result = this.nmsWrite.apply(output, args)
      this.check()
      return result
    }
  }

  /** The bytes waiting now, a new player's burst, do not count until they are read. */
  begin(): void { this.unread = new Unread(this.queued()) }

  /** Counts everything written during the call as answers to the client's messages. */
  answer(run: () => void): void {
    const before = this.queued()
    run()
    if (this.unread?.answersExceed(before, this.queued()) === true) this.end(LEFT_ANSWERS_UNREAD)
  }

  private check(): void {
    if (this.unread?.exceeds(this.queued()) === true) this.end(LEFT_UNREAD)
  }

  private end(detail: string): void {
    this.unread = undefined
    this.cut(detail)
  }

  restore(): void {
    if (this.isOwn) this.output.write = this.nmsWrite
    else delete (this.output as Partial<Output>).write
  }
}
