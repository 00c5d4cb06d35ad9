import type { Server, Socket } from 'node:net'
import { safely } from '../../safely.js'
import type { RtmpFront, RtmpListener } from '../host.js'
import { adoptRtmp, type PeerSetting } from './rtmp-peer.js'
import { isRtmp, type NmsContext, type NmsInstance, type NmsRtmpSession } from './shapes.js'

/**
 * Stands in front of NMS's RTMP and RTMPS listeners.
 * @returns a function that puts NMS's own listeners back
 */
export const installRtmpFront = (nms: NmsInstance, setting: PeerSetting, front: RtmpFront): () => void => {
  const { tcpServer, tlsServer, handleRequest } = nms.rtmpServer
  const end = (_: unknown, socket: Socket): void => { socket.destroy() }
  const accepted = safely(end, (socket: Socket) => front.accepted(socket))
  const ready = (secure: boolean): (socket: Socket) => void => safely(end, (socket) => {
    front.ready(socket, secure, (listener) => adoptRtmp(madeBy(setting.context, () => handleRequest(socket)), setting, false, listener))
  })
  const readyTcp = ready(false)
  const readyTls = ready(true)
  const swap = (server: Server | undefined, event: string, from: (socket: Socket) => void, to: (socket: Socket) => void): void => {
    if (server === undefined) return
    server.off(event, from)
    // eslint-disable-next-line safely/callbacks -- made by safely() above, or NMS's own, put back as it was
    server.on(event, to)
  }

  tcpServer?.prependListener('connection', accepted)
  tlsServer?.prependListener('connection', accepted)
  swap(tcpServer, 'connection', handleRequest, readyTcp)
  swap(tlsServer, 'secureConnection', handleRequest, readyTls)
  takeRunning(setting, front)

  return () => {
    tcpServer?.off('connection', accepted)
    tlsServer?.off('connection', accepted)
    swap(tcpServer, 'connection', readyTcp, handleRequest)
    swap(tlsServer, 'secureConnection', readyTls, handleRequest)
  }
}

/** NMS's handler returns nothing, but it lists the session that it made, last. */
const madeBy = (context: NmsContext, make: () => void): NmsRtmpSession => {
  const { sessions } = context
  const before = sessions.set
  let made: unknown
  sessions.set = (id, session) => { made = session; return before.call(sessions, id, session) }
  try {
    make()
  } finally {
    sessions.set = before
  }
  return made as NmsRtmpSession
}

const NOBODY: RtmpListener = { command: () => undefined, own: () => undefined, playEnded: () => undefined, closed: () => undefined, released: () => undefined }

/** Streams that run already go on; a connection that has not said what it wants is cut. */
const takeRunning = (setting: PeerSetting, front: RtmpFront): void => {
  for (const session of setting.context.sessions.values()) {
    if (!isRtmp(session)) continue
    const { broadcast } = session
    const runs = broadcast?.publisher === session || broadcast?.subscribers.get(session.id) === session
    if (runs) front.running((listener) => adoptRtmp(session, setting, true, listener))
    else adoptRtmp(session, setting, false, NOBODY).socket.destroy()
  }
}
