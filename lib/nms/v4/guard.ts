import type { Action } from '../../access/request.js'
import type { Admission } from '../../access/admission.js'
import type { HostListener } from '../host.js'
import { destroy } from './cut.js'
import { boundCache } from './cache-bound.js'
import { adoptFlv, hasLeft, unplug } from './flv-session.js'
import type { Grants } from './grants.js'
import { ServedSession, type Closer } from './served.js'
import { isFlv, isInternal, isRtmp, type NmsBroadcast, type NmsContext, type NmsSession } from './shapes.js'

/**
 * The backstop for anything the gates missed: every way to play or publish in NMS ends in `postPlay` or `postPublish`
 * of a broadcast, so these are wrapped when NMS registers a broadcast. A client without a grant for exactly this action
 * and stream path gets NMS's own error string before NMS has raised an event, assigned a slot or recorded anything. A
 * session begins once NMS serves its client without an error.
 *
 * @param undo - receives functions that hand admitted sessions back to NMS when the plugin is closed
 * @returns a function that restores everything
 */
export const installGuard = (
  context: NmsContext, grants: Grants, { onIntruder, takesOver }: Pick<HostListener, 'onIntruder' | 'takesOver'>, undo: Set<() => void>
): () => void => {
  const { broadcasts, sessions } = context
  const refused = new WeakSet<NmsSession>()
  const originals = new WeakMap<NmsBroadcast, () => void>()
  const publishing = new WeakMap<NmsSession, { readonly admission: Admission, readonly closer: Closer }>()
  let installed = true

  const guarded = (broadcast: NmsBroadcast, action: Action, original: NmsBroadcast['postPlay']) => (session: NmsSession): string | null => {
    if (!installed || isInternal(session)) return original(session)
    const grant = grants.use(session, action)
    if (grant === undefined) {
      onIntruder(session, action, 'guard')
      dismiss(broadcast, session)
      return `${action} of ${session.streamPath} was not authorized`
    }
    if (isFlv(session) && hasLeft(session)) {
      dismiss(broadcast, session)
      return 'the client has left'
    }
    const { admission } = grant
    const closer: Closer = isFlv(session) ? adoptFlv(session, grant, context, undo) : grant.closer ?? session
    const served = new ServedSession(session, closer)
    if (action === 'publish') {
      makeRoom(broadcast, session, admission)
      publishing.set(session, { admission, closer })
    }
    const error = served.begin(() => original(session))
    if (error === null) admission.place.begin(served)
    else {
      admission.place.end('refused')
      closer.refused?.(error)
    }
    return error
  }

  /** An encoder that reconnects before its old connection has died gets its stream back, and the stream goes on. */
  const makeRoom = (broadcast: NmsBroadcast, newcomer: NmsSession, admission: Admission): void => {
    const { publisher } = broadcast
    const running = publisher === null ? undefined : publishing.get(publisher)
    if (publisher === null || publisher === newcomer || running === undefined || publisher.endTime !== 0) return
    if (!takesOver(running.admission.request, admission.request)) return
    running.admission.place.replacedBy(admission.request)
    broadcast.donePublish(publisher)
    running.closer.close()
  }

  /** Removes every trace of a session that NMS is about to start. */
  const dismiss = (broadcast: NmsBroadcast, session: NmsSession): void => {
    refused.add(session)
    if (isFlv(session)) unplug(session)
    else if (isRtmp(session)) {
      // It is already listed, and NMS would raise donePlay when it ends.
      session.socket.off('close', session.onClose)
      sessions.delete(session.id)
    }
    if (broadcast.publisher === null && broadcast.subscribers.size === 0) broadcasts.delete(broadcast.streamPath)
    destroy(session)
  }

  const wrap = (broadcast: NmsBroadcast): void => {
    if (originals.has(broadcast)) return
    const { postPlay, postPublish } = broadcast
    const unbound = boundCache(broadcast)
    originals.set(broadcast, () => {
      Object.assign(broadcast, { postPlay, postPublish })
      unbound()
    })
    broadcast.postPlay = guarded(broadcast, 'play', postPlay)
    broadcast.postPublish = guarded(broadcast, 'publish', postPublish)
  }

  const setBroadcast = broadcasts.set.bind(broadcasts)
  broadcasts.set = (path, broadcast) => { wrap(broadcast); return setBroadcast(path, broadcast) }
  broadcasts.forEach(wrap)
  // An FLV session is listed only after its broadcast has accepted it.
  const setSession = sessions.set.bind(sessions)
  sessions.set = (_, session) => refused.has(session) ? sessions : setSession(session.id, session)

  return () => {
    installed = false
    delete (broadcasts as Partial<typeof broadcasts>).set
    delete (sessions as Partial<typeof sessions>).set
    for (const broadcast of broadcasts.values()) originals.get(broadcast)?.()
  }
}
