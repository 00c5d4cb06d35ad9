import type { Server, Socket } from 'node:net'
import { safely } from '../../safely.js'
import { madeBy } from '../common/made-session.js'
import { NOBODY } from '../common/nobody.js'
import type { RtmpFront } from '../host.js'
import { adoptRtmp, type PeerSetting } from './rtmp-peer.js'
import { isRtmp, type NmsInstance, type NmsRtmpSession } from './shapes.js'

/**
 * Puts the gate in front of NMS's RTMP and RTMPS listeners.
 * @returns a function that restores NMS's own listeners
 */
export const installRtmpFront = (nms: NmsInstance, setting: PeerSetting, front: RtmpFront): () => void => {
  const { tcpServer, tlsServer, handleRequest } = nms.rtmpServer
  const end = (_: unknown, socket: Socket): void => { socket.destroy() }
  const accepted = safely(end, (socket: Socket) => front.accepted(socket))
  const ready = (secure: boolean): (socket: Socket) => void => safely(end, (socket) => {
    front.ready(socket, secure, (listener) => adoptRtmp(madeBy(setting.context.sessions, () => handleRequest(socket)) as NmsRtmpSession, setting, false, listener))
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

/** Running streams continue; connections without a command are cut. */
const takeRunning = (setting: PeerSetting, front: RtmpFront): void => {
  for (const session of setting.context.sessions.values()) {
    if (!isRtmp(session)) continue
    const { broadcast } = session
    const runs = broadcast?.publisher === session || broadcast?.subscribers.get(session.id) === session
    if (runs) front.running((listener) => adoptRtmp(session, setting, true, listener))
    else adoptRtmp(session, setting, false, NOBODY).socket.destroy()
  }
}
