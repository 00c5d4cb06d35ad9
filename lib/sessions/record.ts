import type { EndReason } from '../access/place.js'
import type { AccessRequest, Action, Protocol } from '../access/request.js'
import type { Taker } from './store.js'
import type { Rule } from './who-goes.js'
import type { VerdictSource } from '../access/verdict.js'

export interface GoneFor {
  /** The rule of the limit; `replaced`: a publisher took over its own stream. */
  readonly rule: Rule | 'replaced'
  readonly by: Taker
}

/** A snapshot of a session. Times are milliseconds since 1970. */
export interface SessionRecord {
  /** The id in NMS's admin API and in `X-Session-Id`. */
  readonly id: string
  readonly action: Action
  readonly protocol: Protocol
  /** `address:port`, as NMS writes it; port 0 if a proxy hid it. */
  readonly address: string
  /** Without port. Address and user agent together are the device. */
  readonly ip: string
  readonly userAgent: string
  /** As requested by the client. */
  readonly path: string
  readonly streamPath: string
  /** The user: `X-UserId`, or `query:` and eight digits of a hash if only the query identifies it. */
  readonly user?: string
  readonly startedAt: number
  /** Since the start of the session. */
  readonly inBytes: number
  readonly outBytes: number
  /** Who admitted it, and why. */
  readonly source: VerdictSource
  readonly reason: string
  /** Time of the next re-check; absent if none is planned. */
  readonly nextCheckAt?: number
  /** Only once the session is over. */
  readonly endReason?: EndReason
  /** If it was ended for a newcomer: the rule, and who took its place. */
  readonly goneFor?: GoneFor
}

/** A request as shown to the client ended for it. */
export const takerOf = ({ sessionId, ip, userAgent }: AccessRequest): Taker => ({ session: sessionId, ip, userAgent })
