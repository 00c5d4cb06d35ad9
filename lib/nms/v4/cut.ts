import { isFlv, isRtmp, isWebSocket, type NmsFlvSession, type NmsSession } from './shapes.js'

/** Stops sending to a session's client: NMS would write to a response that is gone. */
export const silence = (session: NmsSession): void => {
  session.sendBuffer = () => undefined
}

/** Stops a session's client from putting more into a stream: NMS still parses what follows the current message. */
const deafen = (session: NmsSession): void => {
  if (isRtmp(session)) session.rtmp.onPacketCallback = () => undefined
  else if (isFlv(session)) session.onPacket = session.flv.onPacketCallback = () => undefined
}

/** Closes a session's connection at once, in both directions; on HTTP/2 only its stream. */
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
