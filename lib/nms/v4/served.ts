import type { Writable } from 'node:stream'
import type { ServedClient } from '../../access/place.js'
import { isFlv, isRtmp, isWebSocket, type NmsSession } from './shapes.js'

/** A queue that has not moved between two looks half a second apart. */
const STUCK_MS = 400

/** Bytes that wait to be sent. */
export const queuedBytes = (session: NmsSession): number => {
  if (isRtmp(session)) return session.socket.writableLength
  if (!isFlv(session)) return 0
  const { res } = session
  if (isWebSocket(res)) return res.bufferedAmount
  // An HTTP/1 response counts what waits in its socket, too. That of HTTP/2 has no stream once it is over.
  return 'stream' in res ? (res.stream as Writable | undefined)?.writableLength ?? 0 : res.writableLength
}

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
  private taken = -1
  private movedAt = 0

  constructor(private readonly session: NmsSession, private readonly closer: Closer) {}

  get address(): string { return this.session.ip }
  get inBytes(): number { return this.session.inBytes - this.inheritedIn }
  get outBytes(): number { return this.session.outBytes - this.inheritedOut }
  close(message?: string): void { this.closer.close(message) }

  /** What was sent and has left this process tells whether the client takes anything: its queue alone grows with the stream. */
  quietMs(): number {
    const queued = queuedBytes(this.session)
    const taken = this.session.outBytes - queued
    const now = performance.now()
    if (queued === 0 || taken !== this.taken) {
      this.taken = taken
      this.movedAt = now
    }
    return queued === 0 ? 0 : now - this.movedAt
  }

  goneAfterMs(): number { return STUCK_MS }

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
