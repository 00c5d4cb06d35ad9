import type { Admission } from '../../access/admission.js'
import type { Action } from '../../access/request.js'
import type { Closer } from './served.js'
import type { NmsSession } from './shapes.js'

/** An admission bound to one session, one action and one stream path; good for one use. */
export interface Grant {
  readonly admission: Admission
  /** `address:port` of the client, where the connection is a proxy's; else the session has it itself. */
  readonly address?: string
  /** Ends its connection; an FLV session's is made with the session. */
  readonly closer?: Closer
}

interface Held extends Grant { spent: boolean }

/** The grants of one attached plugin. */
export interface Grants {
  /** Binds a grant to what the session will be known by: the RTMP session, or the HTTP request. */
  give(key: object, grant: Grant): void
  /** The grant of a session for exactly this action on its stream path, spent or not. */
  find(session: NmsSession, action: Action): Grant | undefined
  /** Like `find`, but each grant is given out once. */
  use(session: NmsSession, action: Action): Grant | undefined
}

/** Makes an empty register. It holds its sessions weakly, so nothing has to be taken out again. */
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
