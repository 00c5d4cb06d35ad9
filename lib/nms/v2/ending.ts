import { caught } from '../../safely.js'
import { nmsOf, type NmsContext, type NmsRtmpSession } from './shapes.js'

/** Ends the session inside NMS, with its events, but keeps the connection open so that the client can still be told why. */
export const endAtNms = (session: NmsRtmpSession, context: NmsContext): void => {
  const { socket } = session
  const own = socket as { destroy?: unknown }
  own.destroy = () => socket
  try {
    nmsOf(session).stop.call(session)
  } catch (error) {
    // A listener of an NMS event threw. Whoever ends the session has nothing to do with it.
    caught(error)
  } finally {
    delete own.destroy
    forget(session, context)
    if (context.publishers.get(session.publishStreamPath) === session.id) context.publishers.delete(session.publishStreamPath)
  }
}

/** Removes a session from NMS's lists without an event. */
export const forget = (session: NmsRtmpSession, context: NmsContext): void => {
  session.isStarting = false
  if (session.pingInterval !== null) clearInterval(session.pingInterval)
  context.sessions.delete(session.id)
  context.idlePlayers.delete(session.id)
}
