import type { Admission } from '../../access/admission.js'
import type { Action } from '../../access/request.js'
import type { NmsFlvSession, NmsSession } from './shapes.js'

/** An allow that is bound to one session. */
export interface Grant {
  readonly admission: Admission
  /** `address:port` of an HTTP client, whatever proxy forwarded its request. */
  readonly address?: string
  /** The granted stream; an app may have renamed it since. */
  streamPath: string
}

/** Who may do what. The keys are held weakly, so nothing needs to be removed. */
export interface Grants {
  /** @param key - the RTMP session, or the HTTP request from which NMS will create one */
  give(key: object, grant: Omit<Grant, 'streamPath'>): Grant
  find(session: NmsSession, action: Action): Grant | undefined
  /** Exempts one of NMS's own sessions, or one that existed before, from the guard. */
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
