import type { EndReason } from '../access/place.js'
import type { Action, Protocol } from '../access/request.js'
import type { Rule } from './who-goes.js'
import type { VerdictSource } from '../access/verdict.js'

export interface GoneFor {
  readonly rule: Rule
  readonly by: { readonly ip: string, readonly userAgent: string }
}

/** A session for people and programs, at one moment. Times are milliseconds since 1970. */
export interface SessionRecord {
  /** As in NMS's admin API and `X-Session-Id`. */
  readonly id: string
  readonly action: Action
  readonly protocol: Protocol
  /** `address:port`, as NMS has it; port 0 where a proxy hid it. */
  readonly address: string
  /** Without port. With the user agent it is the device. */
  readonly ip: string
  readonly userAgent: string
  /** As the client asked for it. */
  readonly path: string
  readonly streamPath: string
  /** Whose session this is: `X-UserId`, or `query:` and eight digits of what stands for it. */
  readonly user?: string
  readonly startedAt: number
  /** Since the start. */
  readonly inBytes: number
  readonly outBytes: number
  /** Who let it in, and why. */
  readonly source: VerdictSource
  readonly reason: string
  /** Only of a session that is over. */
  readonly endReason?: EndReason
  /** Of a session that was ended for a newcomer of its user: by which rule, and the device that took its place. */
  readonly goneFor?: GoneFor
}
