import type { Server, Socket } from 'node:net'
import { safely } from '../../safely.js'
import type { RtmpFront, RtmpListener } from '../host.js'
import { adoptRtmp } from './rtmp-peer.js'
import type { Setting } from './setting.js'
import { isRtmp, type NmsContext, type NmsInstance, type NmsRtmpSession } from './shapes.js'

type Listener = (socket: Socket) => void

/**
 * Stands in front of NMS's RTMP and RTMPS listeners.
 * @returns a function that puts NMS's own listeners back
 */
export const installRtmpFront = ({ nrs }: NmsInstance, setting: Setting, front: RtmpFront): () => void => {
  const undo = [intercept(nrs?.tcpServer, 'connection', false, setting, front), intercept(nrs?.tlsServer, 'secureConnection', true, setting, front)]
  takeRunning(setting, front)
  return () => undo.forEach((restore) => restore())
}

const end = (_: unknown, socket: Socket): void => { socket.destroy() }

const intercept = (server: Server | undefined, event: 'connection' | 'secureConnection', secure: boolean, { nmsPackage, ...setting }: Setting, front: RtmpFront): () => void => {
  if (server === undefined) return () => undefined
  // TLS has a listener of its own for what is accepted, and NMS the only one for what carries RTMP.
  const handle = server.listeners(event).at(-1) as Listener
  const accepted = safely(end, (socket: Socket) => front.accepted(socket))
  const ready = safely(end, (socket: Socket) => {
    front.ready(socket, secure, (listener) => adoptRtmp(madeBy(nmsPackage.context, () => handle(socket)), { nmsPackage, ...setting }, false, listener))
  })
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

/** NMS's handler returns nothing, but it lists the session that it made, last. */
const madeBy = ({ sessions }: NmsContext, make: () => void): NmsRtmpSession => {
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
const takeRunning = (setting: Setting, front: RtmpFront): void => {
  for (const session of setting.nmsPackage.context.sessions.values()) {
    if (!isRtmp(session)) continue
    if (session.isPlaying || session.isIdling || session.isPublishing) front.running((listener) => adoptRtmp(session, setting, true, listener))
    else adoptRtmp(session, setting, false, NOBODY).socket.destroy()
  }
}
