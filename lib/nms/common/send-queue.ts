/** A queue that has not moved between two checks half a second apart. */
export const STUCK_MS = 400

/** A client's send queue; updated from time to time, to tell whether the client still reads. */
export class SendQueue {
  private taken = -1
  private movedAt = 0

  /**
   * How long the client has read nothing, in milliseconds; 0 if it keeps up.
   *
   * @param queued - bytes waiting
   * @param written - all bytes so far, including those
   */
  quietMs(queued: number, written: number): number {
    const now = performance.now()
    if (queued === 0 || written - queued !== this.taken) {
      this.taken = written - queued
      this.movedAt = now
    }
    return queued === 0 ? 0 : now - this.movedAt
  }
}
