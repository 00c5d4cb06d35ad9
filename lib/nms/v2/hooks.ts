import type { Action } from '../../access/request.js'
import type { HostListener } from '../host.js'
import { dismiss } from './guard.js'
import type { Setting } from './setting.js'
import { isViewer } from './viewer.js'

/**
 * The documented contract with NMS: its events verify. A session without a grant that got past gate and guard and
 * appears in an event before a stream is cut and reported.
 *
 * @returns a function that removes the listeners
 */
export const installHooks = (setting: Setting, onIntruder: HostListener['onIntruder']): () => void => {
  const { grants, nmsPackage: { context: { nodeEvent, sessions } } } = setting
  const lastCheck = (action: Action) => (id: string, streamPath: string): void => {
    const session = sessions.get(id)
    if (session === undefined || grants.trusts(session) || isViewer(session) || grants.find(session, action) !== undefined) return
    onIntruder({ id, ip: session.ip, streamPath }, action, 'hook')
    dismiss(session, setting)
  }
  const listeners = [['prePlay', lastCheck('play')], ['prePublish', lastCheck('publish')]] as const
  // eslint-disable-next-line safely/callbacks -- what they throw must end the session that NMS is about to let in
  for (const [event, listener] of listeners) nodeEvent.prependListener(event, listener)
  return () => { for (const [event, listener] of listeners) nodeEvent.off(event, listener) }
}

