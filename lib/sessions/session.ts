import type { End, EndReason, Place, ServedClient } from '../access/place.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict, VerdictSource } from '../access/verdict.js'
import type { Entered } from './leases.js'
import type { Occupancy } from './occupancy.js'
import { takerOf, type GoneFor, type SessionRecord } from './record.js'
import { shownUser } from './users.js'

/** What a session needs from the registry. */
export interface Register {
  began(session: Session): void
  ended(session: Session): void
  takes(session: Session, mayEnd: boolean): Verdict | undefined
  gives(session: Session): void
  asksOn(session: Session): void
  named(session: Session, verdict: Verdict): void
  nextCheckAt(session: Session): number | undefined
  /** It was over before it began. */
  released(session: Session, reason: EndReason): void
}

/**
 * One admitted client. A class without function fields, and with as few fields as possible: there may be 100,000 of them.
 * What few sessions need, and only for a moment, is declared and takes no memory until it is set.
 */
export class Session implements Place {
  request: AccessRequest
  readonly source: VerdictSource
  readonly reason: string
  userId: string | undefined
  startedAt = 0
  /** Its place, if it has one. */
  place: Occupancy | undefined
  /** Its place on all servers, until it begins. */
  entered: Entered | undefined
  /** Whether a place is reserved for it. */
  reserved = false
  /** The rules by which others may end for it; see `whoGoes`. */
  strict = false
  sameDevice = true
  /** Re-checks since its begin. */
  checks = 0
  /** Its link on the wheel of re-checks. */
  notch = 0
  /** Since when re-checks have failed; `undefined` if the last one succeeded. */
  declare failingSince: number | undefined
  /** When it began, if it was admitted during an outage and the backend has not answered about it since. */
  declare unaskedSince: number | undefined
  /** How long the backend's answer is valid, from the begin on, in milliseconds; `undefined` if it did not say. */
  readonly validForMs: number | undefined
  /** The rule by which it ended, and for whom. */
  declare goneFor: GoneFor | undefined
  endReason: EndReason | undefined
  /** What its client did to be ended, for the log. */
  declare endDetail: string | undefined
  private client: ServedClient | undefined

  /** @param ordinal - increases with each session, so that the order does not depend on the clock */
  constructor(
    readonly ordinal: number, private readonly register: Register, request: AccessRequest, verdict: Verdict,
    /** Whose limit it counts for; may become known later. */
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

  /** Its user, as shown to people. */
  get shownUser(): string | undefined { return this.userId ?? (this.user === undefined ? undefined : shownUser(this.user)) }

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
    return (reason, detail) => this.end(reason, detail)
  }

  replacedBy(newcomer: AccessRequest): void {
    if (this.endReason === undefined) this.goneFor = { rule: 'replaced', by: takerOf(newcomer) }
    this.end('replaced')
  }

  end(reason: EndReason, detail?: string): void {
    if (this.endReason !== undefined) return
    this.endReason = reason
    if (detail !== undefined) this.endDetail = detail
    if (this.client === undefined) this.register.released(this, reason)
    else this.register.ended(this)
  }

  /** Ends it from our side: first its entry, then its stream. */
  close(reason: EndReason, message?: string): void {
    this.end(reason)
    this.client?.close(message)
  }

  take(mayEnd: boolean): Verdict | undefined { return this.register.takes(this, mayEnd) }
  giveBack(): void { this.register.gives(this) }
  asksOn(): void { this.register.asksOn(this) }
  quietMs(): number { return this.client?.quietMs() ?? 0 }
  get outBytes(): number { return this.client?.outBytes ?? 0 }
  goneAfterMs(): number { return this.client?.goneAfterMs() ?? Infinity }

  /** A re-check's answer, which may name a user for the first time or another one; nothing ends for that. */
  named(verdict: Verdict): void {
    if (verdict.userId !== undefined) this.userId = verdict.userId
    this.register.named(this, verdict)
  }

  record(): SessionRecord {
    const { request: { sessionId, action, protocol, ip, userAgent, path, streamPath }, client, endReason, startedAt, source, reason, goneFor } = this
    const shown = this.shownUser
    const nextCheckAt = this.register.nextCheckAt(this)
    return {
      id: sessionId, action, protocol, address: client?.address ?? ip, ip, userAgent, path, streamPath,
      ...(shown !== undefined && { user: shown }),
      startedAt, inBytes: client?.inBytes ?? 0, outBytes: this.outBytes, source, reason,
      ...(nextCheckAt !== undefined && { nextCheckAt }),
      ...(endReason !== undefined && { endReason }),
      ...(goneFor !== undefined && { goneFor })
    }
  }
}
