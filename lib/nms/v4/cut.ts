import { isFlv, isRtmp, isWebSocket, type NmsFlvSession, type NmsSession } from './shapes.js'

/** Sends nothing more to a session's client: NMS would write to a response that is gone. */
export const silence = (session: NmsSession): void => {
  session.sendBuffer = () => undefined
}

/**
 * Puts nothing more of what a session's client has sent into a stream: what lies behind the message
 * that is being parsed is parsed all the same.
 */
const deafen = (session: NmsSession): void => {
  if (isRtmp(session)) session.rtmp.onPacketCallback = () => undefined
  else if (isFlv(session)) session.onPacket = session.flv.onPacketCallback = () => undefined
}

/** Ends a session's connection at once, in both directions; on HTTP/2 its stream. */
export const destroy = (session: NmsSession): void => {
  silence(session)
  deafen(session)
  if (isRtmp(session)) session.socket.destroy()
  else if (isFlv(session)) destroyFlv(session)
  else session.close()
}

const destroyFlv = ({ req, res }: NmsFlvSession): void => {
  if (isWebSocket(res)) res.terminate()
  else if ('stream' in res) (res).stream.destroy()
  else req.socket.destroy()
}
