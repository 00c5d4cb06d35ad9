import type { Admission } from '../../access/admission.js'
import type { Action } from '../../access/request.js'
import type { Closer } from './served.js'
import type { NmsSession } from './shapes.js'

/** An admission bound to one session, one action and one stream path; can be used once. */
export interface Grant {
  readonly admission: Admission
  /** `address:port` of the client if the connection comes from a proxy; otherwise the session has its own. */
  readonly address?: string
  /** Ends its connection; for FLV it is created with the session. */
  readonly closer?: Closer
}

interface Held extends Grant { spent: boolean }

/** The grants of one attached plugin. */
export interface Grants {
  /** Binds a grant to what identifies the session: the RTMP session, or the HTTP request. */
  give(key: object, grant: Grant): void
  /** The session's grant for exactly this action on its stream path, used or not. */
  find(session: NmsSession, action: Action): Grant | undefined
  /** Like `find`, but returns each grant once. */
  use(session: NmsSession, action: Action): Grant | undefined
}

/** Creates an empty register. It holds sessions weakly, so nothing needs to be removed. */
export const createGrants = (): Grants => {
  const held = new WeakMap<object, Held>()
  const find = (session: NmsSession, action: Action): Held | undefined => {
    const grant = held.get(session) ?? ('req' in session ? held.get(session.req as object) : undefined)
    const { request } = grant?.admission ?? {}
    return request?.action === action && request.streamPath === session.streamPath ? grant : undefined
  }
  return {
    give: (key, grant) => { held.set(key, { ...grant, spent: false }) },
    find,
    use(session, action) {
      const grant = find(session, action)
      if (grant === undefined || grant.spent) return undefined
      grant.spent = true
      return grant
    }
  }
}
