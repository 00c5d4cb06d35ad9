import type { Action } from '../../access/request.js'
import { destroy } from './cut.js'
import type { Grants } from './grants.js'
import type { HostListener } from '../host.js'
import { isInternal, type NmsContext, type NmsSession } from './shapes.js'
import { isViewer } from './viewer.js'

/**
 * The documented contract with NMS, and the last check: a client without a grant that got past gate and guard and
 * appears in a `pre` event is cut and reported.
 *
 * @returns a function that removes the listeners
 */
export const installHooks = ({ eventEmitter }: NmsContext, grants: Grants, onIntruder: HostListener['onIntruder']): () => void => {
  const lastCheck = (action: Action) => (session: NmsSession): void => {
    if (isInternal(session) || grants.find(session, action) !== undefined || (action === 'play' && isViewer(session))) return
    onIntruder(session, action, 'hook')
    destroy(session)
  }
  const listeners = [['prePlay', lastCheck('play')], ['prePublish', lastCheck('publish')]] as const
  // What this throws stops NMS before it begins the session, and ends in the gate that called NMS.
  // eslint-disable-next-line safely/callbacks -- lastCheck must throw
  for (const [event, listener] of listeners) eventEmitter.prependListener(event, listener)
  return () => {
    for (const [event, listener] of listeners) eventEmitter.off(event, listener)
  }
}
