import type { End, EndReason, Place, ServedClient } from '../access/place.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict, VerdictSource } from '../access/verdict.js'
import type { Entered } from './leases.js'
import type { Occupancy } from './occupancy.js'
import type { GoneFor, SessionRecord } from './record.js'
import { shownUser } from './users.js'

/** What a session needs of the registry. */
export interface Register {
  began(session: Session): void
  ended(session: Session): void
  takes(session: Session, mayEnd: boolean): Verdict | undefined
  gives(session: Session): void
  asksOn(session: Session): void
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
  userId: string | undefined
  startedAt = 0
  /** Its place of the user's limit, if it has one. */
  place: Occupancy | undefined
  /** Its place on all servers, until it begins. */
  entered: Entered | undefined
  /** Whether a place is kept for it until it begins. */
  reserved = false
  /** By which rules others may go for it; see `whoGoes`. */
  strict = false
  sameDevice = true
  /** How often the backend was asked about it since its begin. */
  checks = 0
  /** Where it hangs on the wheel of re-checks. */
  notch = 0
  /** Since when the backend says nothing about it; `undefined` while it does. */
  failingSince: number | undefined
  /** It came in during an outage, without the backend's word. */
  cameUnasked = false
  begunAt = 0
  /** How long the backend's word holds, from the begin on, in milliseconds; `undefined` if it does not say. */
  readonly validForMs: number | undefined
  /** By which rule it went, and for whom. */
  goneFor: GoneFor | undefined
  endReason: EndReason | undefined
  private client: ServedClient | undefined

  /** @param ordinal - grows with each session, so that the oldest is known whatever the clock does */
  constructor(
    readonly ordinal: number, private readonly register: Register, request: AccessRequest, verdict: Verdict,
    /** Whose limit it counts for; it may be found out later. */
    public user: string | undefined,
    /** How many sessions its user may have, by its own verdict; 0 is no limit. */
    readonly limit: number
  ) {
    this.request = request
    this.source = verdict.source
    this.reason = verdict.reason
    this.userId = verdict.userId
    this.validForMs = verdict.validForMs
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

  take(mayEnd: boolean): Verdict | undefined { return this.register.takes(this, mayEnd) }
  giveBack(): void { this.register.gives(this) }
  asksOn(): void { this.register.asksOn(this) }
  quietMs(): number { return this.client?.quietMs() ?? 0 }
  goneAfterMs(): number { return this.client?.goneAfterMs() ?? Infinity }

  /** A later word of the backend names whose session it is; nobody goes for that. */
  named({ userId }: Verdict): void {
    this.userId ??= userId
  }

  record(): SessionRecord {
    const { request: { sessionId, action, protocol, ip, userAgent, path, streamPath }, client, endReason, startedAt, source, reason, goneFor } = this
    const shown = shownUserOf(this)
    return {
      id: sessionId, action, protocol, address: client?.address ?? ip, ip, userAgent, path, streamPath,
      ...(shown !== undefined && { user: shown }),
      startedAt, inBytes: client?.inBytes ?? 0, outBytes: client?.outBytes ?? 0, source, reason,
      ...(endReason !== undefined && { endReason }),
      ...(goneFor !== undefined && { goneFor })
    }
  }
}

/** A session's user as people are shown it. */
export const shownUserOf = ({ userId, user }: Session): string | undefined => userId ?? (user === undefined ? undefined : shownUser(user))
