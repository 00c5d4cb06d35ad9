import type { Writable } from 'node:stream'
import type { ServedClient } from '../../access/place.js'
import { SendQueue, STUCK_MS } from '../common/send-queue.js'
import { isFlv, isRtmp, isWebSocket, type NmsSession } from './shapes.js'

/** Bytes waiting to be sent. */
export const queuedBytes = (session: NmsSession): number => {
  if (isRtmp(session)) return session.socket.writableLength
  if (!isFlv(session)) return 0
  const { res } = session
  if (isWebSocket(res)) return res.bufferedAmount
  // An HTTP/1 response includes what waits in its socket. An HTTP/2 response has no stream once it is finished.
  return 'stream' in res ? (res.stream as Writable | undefined)?.writableLength ?? 0 : res.writableLength
}

/** Can end a session's connection and tell its client why. */
export interface Closer {
  close(message?: string): void
  /** Called when NMS is about to refuse the client after its allow, with NMS's error string. */
  refused?(error: string): void
}

/** One of NMS's own sessions, as the registry sees it. */
export class ServedSession implements ServedClient {
  /** Bytes that a publisher who reconnected within the grace window inherited from its previous session. */
  private inheritedIn = 0
  private inheritedOut = 0
  private readonly queue = new SendQueue()

  constructor(private readonly session: NmsSession, private readonly closer: Closer) {}

  get address(): string { return this.session.ip }
  get inBytes(): number { return this.session.inBytes - this.inheritedIn }
  get outBytes(): number { return this.session.outBytes - this.inheritedOut }
  close(message?: string): void { this.closer.close(message) }

  /** Bytes that have left this process show whether the client reads; its queue alone grows with the stream. */
  quietMs(): number { return this.queue.quietMs(queuedBytes(this.session), this.session.outBytes) }

  goneAfterMs(): number { return STUCK_MS }

  /** Runs the function that starts the session; NMS may copy the counts of the previous session into it meanwhile. */
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
