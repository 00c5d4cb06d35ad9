import type { Chain } from './chain.js'
import type { Fleet } from './fleet.js'
import { FORGETS } from '../sessions/end-reason.js'
import type { SessionWatcher } from '../sessions/registry.js'

/** Forgets the allow of a session that ended, here and on the other servers, so that the backend is asked again. */
export const createForgetting = (chain: Pick<Chain, 'forget'>, fleet: Pick<Fleet, 'forgotten'> | undefined): SessionWatcher => ({
  end(session) {
    if (session.endReason === undefined || !FORGETS.has(session.endReason)) return
    chain.forget(session.request)
    fleet?.forgotten(session)
  },
  released({ request }, reason) {
    if (FORGETS.has(reason)) chain.forget(request)
  }
})
