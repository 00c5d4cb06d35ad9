import { MAX_UNREAD_BYTES } from '../access/bounds.js'

/** What one viewer leaves unread. The burst that it was given when it joined does not count while it is read. */
export class Unread {
  private burst: number

  /** @param pending - bytes that wait for the viewer once it has its burst */
  constructor(pending: number) { this.burst = pending }

  /** Whether it is too much. */
  exceeds(pending: number): boolean {
    if (pending < this.burst) this.burst = pending
    return pending > this.burst + MAX_UNREAD_BYTES
  }
}
