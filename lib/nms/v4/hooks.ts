import type { Action } from '../../access/request.js'
import { safely } from '../../safely.js'
import { destroy } from './cut.js'
import type { Grants } from './grants.js'
import type { HostListener, SessionRecord } from '../host.js'
import { isInternal, type NmsContext, type NmsSession } from './shapes.js'
import { isViewer } from './viewer.js'

type Listener = (session: NmsSession) => void

const cut = (_: unknown, session: NmsSession): void => destroy(session)

export interface Hooks {
  /** Ends the accounting of a session that NMS began and then refused, for which it raises no event. */
  end(session: NmsSession, action: Action): void
  /** Takes the listeners off. */
  uninstall(): void
}

/**
 * The documented contract with NMS: its events begin and end the accounting of a session, and a
 * client that shows up in a `pre` event without a grant, past gate and guard, is cut and reported.
 */
export const installHooks = (context: NmsContext, grants: Grants, onIntruder: HostListener['onIntruder'], onSession: HostListener['onSession']): Hooks => {
  const started = new WeakMap<NmsSession, Action>()
  const isLetIn = (session: NmsSession, action: Action): boolean =>
    grants.find(session, action) !== undefined || (action === 'play' && isViewer(session))
  // What this throws stops NMS before it begins the session, and ends in the gate that called NMS.
  const lastCheck = (action: Action): Listener => (session) => {
    if (isInternal(session) || isLetIn(session, action)) return
    onIntruder(session, action, 'hook')
    destroy(session)
  }
  const begin = (action: Action): Listener => safely(cut, (session) => {
    if (isInternal(session) || !isLetIn(session, action)) return
    started.set(session, action)
    onSession('start', record(session, action))
  })
  const end = (action: Action): Listener => safely(cut, (session) => {
    if (started.get(session) !== action) return
    started.delete(session)
    onSession('end', record(session, action))
  })
  const listeners: [string, Listener][] = [
    ['prePlay', lastCheck('play')], ['postPlay', begin('play')], ['donePlay', end('play')],
    ['prePublish', lastCheck('publish')], ['postPublish', begin('publish')], ['donePublish', end('publish')]
  ]
  // eslint-disable-next-line safely/callbacks -- lastCheck must throw, the others are made by safely()
  for (const [event, listener] of listeners) context.eventEmitter.prependListener(event, listener)
  return {
    end: (session, action) => end(action)(session),
    uninstall() {
      for (const [event, listener] of listeners) context.eventEmitter.off(event, listener)
    }
  }
}

const record = (session: NmsSession, action: Action): SessionRecord => ({
  id: session.id,
  action,
  address: session.ip,
  protocol: session.protocol,
  streamPath: session.streamPath,
  startedAt: session.createTime,
  inBytes: session.inBytes,
  outBytes: session.outBytes
})
