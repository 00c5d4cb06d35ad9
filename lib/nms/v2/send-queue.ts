/** A queue that has not moved between two looks half a second apart. */
export const STUCK_MS = 400

/** A client's send queue, of which it is told from time to time whether the client takes anything. */
export class SendQueue {
  private taken = -1
  private movedAt = 0

  /**
   * How long the client has taken nothing, in milliseconds; 0 for who takes what it is sent.
   *
   * @param queued - bytes that wait
   * @param written - all bytes until now, those included
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
