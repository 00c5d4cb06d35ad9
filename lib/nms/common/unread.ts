import { MAX_UNREAD_ANSWERS_BYTES, MAX_UNREAD_BYTES } from '../../access/bounds.js'

/** The log text for a client that is cut because of it. */
export const LEFT_UNREAD = 'the client left too much unread'
export const LEFT_ANSWERS_UNREAD = 'the client sent commands or pings and read no answers'

/** Tracks what a client leaves unread. The burst it got when it joined does not count while it is being read. */
export class Unread {
  private burst: number
  private answers = 0

  /** @param pending - bytes waiting for the client once it has its burst */
  constructor(pending: number) { this.burst = pending }

  /** Whether it is too much. */
  exceeds(pending: number): boolean {
    if (pending < this.burst) this.burst = pending
    return pending > this.burst + MAX_UNREAD_BYTES
  }

  /**
   * Whether there are too many unread answers to what it has just sent.
   * @param before - bytes waiting before it was answered
   * @param after - bytes waiting now
   */
  answersExceed(before: number, after: number): boolean {
    this.answers = (before === 0 ? 0 : this.answers) + Math.max(0, after - before)
    return this.answers > MAX_UNREAD_ANSWERS_BYTES
  }
}
