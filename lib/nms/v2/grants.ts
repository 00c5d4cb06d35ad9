import type { Admission } from '../../access/admission.js'
import type { Action } from '../../access/request.js'
import type { NmsFlvSession, NmsSession } from './shapes.js'

/** An allow bound to one session. */
export interface Grant {
  readonly admission: Admission
  /** `address:port` of an HTTP client, whoever carried its request here. */
  readonly address?: string
  /** What was granted; an app may have given it another name since. */
  streamPath: string
}

/** Who may do what. Held weakly, so nothing has to be taken out again. */
export interface Grants {
  /** @param key - the RTMP session, or the HTTP request of which NMS will make one */
  give(key: object, grant: Omit<Grant, 'streamPath'>): Grant
  find(session: NmsSession, action: Action): Grant | undefined
  /** Lets a session of NMS's own, or one that was there before, do what it likes. */
  trust(session: NmsSession): void
  trusts(session: NmsSession): boolean
}

export const createGrants = (): Grants => {
  const held = new WeakMap<object, Grant>()
  const trusted = new WeakSet<NmsSession>()
  return {
    give(key, given) {
      const grant = { ...given, streamPath: given.admission.request.streamPath }
      held.set(key, grant)
      return grant
    },
    find(session, action) {
      const { req } = session as Partial<NmsFlvSession>
      const grant = held.get(session) ?? (req && held.get(req))
      return grant?.admission.request.action === action ? grant : undefined
    },
    trust: (session) => { trusted.add(session) },
    trusts: (session) => trusted.has(session)
  }
}
