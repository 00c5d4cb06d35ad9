import type { ServedClient } from '../../access/place.js'
import type { NmsSession } from './shapes.js'

/** Whoever can end a session's connection, telling its client why. */
export interface Closer {
  close(message?: string): void
  /** NMS is about to refuse it after its allow, in these words. */
  refused?(error: string): void
}

/** What the registry sees of one of NMS's own sessions. */
export class ServedSession implements ServedClient {
  /** What a publisher who came back within the grace window took over from the session before. */
  private inheritedIn = 0
  private inheritedOut = 0

  constructor(private readonly session: NmsSession, private readonly closer: Closer) {}

  get address(): string { return this.session.ip }
  get inBytes(): number { return this.session.inBytes - this.inheritedIn }
  get outBytes(): number { return this.session.outBytes - this.inheritedOut }
  close(message?: string): void { this.closer.close(message) }

  /** Carries out what begins the session; NMS may copy the counts of the last one into it meanwhile. */
  begin<T>(nmsBegin: () => T): T {
    const { inBytes, outBytes, createTime } = this.session
    const result = nmsBegin()
    if (this.session.createTime !== createTime) {
      this.inheritedIn = this.session.inBytes - inBytes
      this.inheritedOut = this.session.outBytes - outBytes
    }
    return result
  }
}
