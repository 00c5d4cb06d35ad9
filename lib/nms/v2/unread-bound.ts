import { Unread } from '../unread.js'

/** What NMS writes a client's bytes to. */
interface Output { write: (...args: unknown[]) => unknown }

/** Ends a client that leaves too much unread. NMS writes from a dozen places, so each write is looked at. */
export class UnreadBound {
  private unread: Unread | undefined
  private readonly nmsWrite: Output['write']
  private readonly isOwn: boolean

  /** @param queued - bytes that wait for the client */
  constructor(private readonly output: Output, private readonly queued: () => number, private readonly cut: () => void) {
    this.nmsWrite = output.write
    this.isOwn = Object.hasOwn(output, 'write')
    output.write = (...args) => {
      const result = this.nmsWrite.apply(output, args)
      this.check()
      return result
    }
  }

  /** What waits now does not count while it is read: the burst of a newcomer. */
  begin(): void { this.unread = new Unread(this.queued()) }

  check(): void {
    if (this.unread?.exceeds(this.queued()) !== true) return
    this.unread = undefined
    this.cut()
  }

  restore(): void {
    if (this.isOwn) this.output.write = this.nmsWrite
    else delete (this.output as Partial<Output>).write
  }
}
