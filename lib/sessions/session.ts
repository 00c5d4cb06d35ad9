import type { End, EndReason, Place, ServedClient } from '../access/place.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict, VerdictSource } from '../access/verdict.js'
import type { SessionRecord } from './record.js'

/** What a session needs of the registry. */
export interface Register {
  began(session: Session): void
  ended(session: Session): void
  /** It was over before it had begun. */
  released(session: Session, reason: EndReason): void
}

/**
 * One client that was let in. A class without functions of its own, and with as few fields as will do:
 * there may be 100,000 of these.
 */
export class Session implements Place {
  request: AccessRequest
  readonly source: VerdictSource
  readonly reason: string
  readonly user: string | undefined
  startedAt = 0
  endReason: EndReason | undefined
  private client: ServedClient | undefined

  /** @param ordinal - grows with each session, so that the oldest is known whatever the clock does */
  constructor(readonly ordinal: number, private readonly register: Register, request: AccessRequest, verdict: Verdict) {
    this.request = request
    this.source = verdict.source
    this.reason = verdict.reason
    this.user = verdict.userId
  }

  get state(): 'reserved' | 'running' | 'ended' {
    return this.endReason !== undefined ? 'ended' : this.client === undefined ? 'reserved' : 'running'
  }

  begin(client: ServedClient, kept = this.request): End {
    if (this.client !== undefined) throw new Error(`session ${this.request.sessionId} begins twice`)
    const before = this.endReason
    this.request = kept
    this.client = client
    this.startedAt = Date.now()
    this.endReason = undefined
    this.register.began(this)
    if (before !== undefined) this.end(before)
    return (reason) => this.end(reason)
  }

  end(reason: EndReason): void {
    if (this.endReason !== undefined) return
    this.endReason = reason
    if (this.client === undefined) this.register.released(this, reason)
    else this.register.ended(this)
  }

  /** Ends it from here: first its account, then its stream. */
  close(reason: EndReason, message?: string): void {
    this.end(reason)
    this.client?.close(message)
  }

  record(): SessionRecord {
    const { request: { sessionId, action, protocol, ip, userAgent, path, streamPath }, client, user, endReason, startedAt, source, reason } = this
    return {
      id: sessionId, action, protocol, address: client?.address ?? ip, ip, userAgent, path, streamPath,
      ...(user !== undefined && { user }),
      startedAt, inBytes: client?.inBytes ?? 0, outBytes: client?.outBytes ?? 0, source, reason,
      ...(endReason !== undefined && { endReason })
    }
  }
}
