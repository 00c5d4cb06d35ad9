import type { Server, Socket } from 'node:net'
import { safely } from '../../safely.js'
import { madeBy } from '../common/made-session.js'
import { NOBODY } from '../common/nobody.js'
import type { RtmpFront } from '../host.js'
import { adoptRtmp, isAdopted } from './rtmp-peer.js'
import type { Setting } from './setting.js'
import { isRtmp, type NmsInstance, type NmsRtmpSession } from './shapes.js'

/** NMS's own connection listener. */
export type Handle = (socket: Socket) => void

/**
 * Puts the gate in front of NMS's RTMP and RTMPS listeners.
 * @returns a function that restores NMS's own listeners
 */
export const installRtmpFront = ({ nrs }: NmsInstance, setting: Setting, front: RtmpFront): () => void => {
  const undo = [intercept(nrs?.tcpServer, 'connection', false, setting, front), intercept(nrs?.tlsServer, 'secureConnection', true, setting, front)]
  takeRunning(setting, front)
  return () => undo.forEach((restore) => restore())
}

export const end = (_: unknown, socket: Socket): void => { socket.destroy() }

/** A TLS server has one more listener of its own for accepted sockets; the last one is NMS's. */
export const handleOf = (server: Server, event: 'connection' | 'secureConnection'): Handle => server.listeners(event).at(-1) as Handle

/** How a connection came in. */
export interface Way { readonly secure?: boolean, readonly by?: 'own entrance' }

/** Handles the connections that NMS's own listener would take. */
export const receptionOf = (handle: Handle, { secure = false, by }: Way, setting: Setting, front: RtmpFront): Record<'accepted' | 'ready', Handle> => ({
  accepted: (socket) => front.accepted(socket),
  ready: (socket) => front.ready(socket, secure, (listener) => adoptRtmp(madeBy(setting.nmsPackage.context.sessions, () => handle(socket)) as NmsRtmpSession, setting, by ?? 'anybody', listener))
})

const intercept = (server: Server | undefined, event: 'connection' | 'secureConnection', secure: boolean, setting: Setting, front: RtmpFront): () => void => {
  if (server === undefined) return () => undefined
  const handle = handleOf(server, event)
  const reception = receptionOf(handle, { secure }, setting, front)
  const accepted = safely(end, reception.accepted)
  const ready = safely(end, reception.ready)
  server.off(event, handle)
  server.prependListener('connection', accepted)
  server.on(event, ready)
  return () => {
    server.off('connection', accepted)
    server.off(event, ready)
    // eslint-disable-next-line safely/callbacks -- NMS's own, put back as it was
    server.on(event, handle)
  }
}

/** Running streams continue; connections without a command are cut. */
const takeRunning = (setting: Setting, front: RtmpFront): void => {
  for (const session of setting.nmsPackage.context.sessions.values()) {
    if (!isRtmp(session) || isAdopted(session)) continue
    if (session.isPlaying || session.isIdling || session.isPublishing) front.running((listener) => adoptRtmp(session, setting, 'running', listener))
    else adoptRtmp(session, setting, 'anybody', NOBODY).socket.destroy()
  }
}
