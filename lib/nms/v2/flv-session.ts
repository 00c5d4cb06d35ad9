import type { EventEmitter } from 'node:events'
import type { ServedClient } from '../../access/place.js'
import { afterFarewell } from '../../farewell.js'
import { caught } from '../../safely.js'
import { boundFrames } from '../common/frames.js'
import type { Grant } from './grants.js'
import { SendQueue, STUCK_MS } from '../common/send-queue.js'
import type { Setting } from './setting.js'
import { isWebSocket, type NmsFlvSession } from './shapes.js'
import { UnreadBound } from './unread-bound.js'

/** WebSocket close code for a client the server rejects (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008

/** Closes when the client leaves. */
const lifeOf = ({ req, res }: NmsFlvSession): EventEmitter & { readonly destroyed?: boolean } =>
  isWebSocket(res) ? res : 'stream' in req ? req.stream : req.socket

export const hasLeft = (session: NmsFlvSession): boolean => lifeOf(session).destroyed === true

/** Closes a session's connection at once, in both directions; on HTTP/2 only its stream. */
export const destroyFlv = ({ req, res }: NmsFlvSession): void => {
  if (isWebSocket(res)) res.terminate()
  else if ('stream' in res) res.stream.destroy()
  else req.socket.destroy()
}

/** Removes NMS's own listeners from a session that must not start. */
export const unplugFlv = (session: NmsFlvSession): void => {
  const { req, res } = session
  for (const emitter of [res, req.socket, 'stream' in req ? req.stream : req] as EventEmitter[]) {
    for (const event of ['close', 'error']) {
      for (const listener of emitter.listeners(event)) if (/^bound onReq/.test(listener.name)) emitter.off(event, listener as () => void)
    }
  }
}

/** Bytes of an unfinished frame that a WebSocket player may send. */
const MAX_UNFINISHED_BYTES = 64 * 1024

/**
 * NMS corks the socket instead of the response. Newer Node.js (26) then buffers in the response all that is written, and
 * nothing is ever sent. Not undone at the end, because what is corked by one cannot be uncorked by the other.
 */
const corkByNode = (res: NmsFlvSession['res']): void => {
  if (isWebSocket(res) || 'stream' in res) return
  for (const own of ['cork', 'uncork'] as const) delete (res as Partial<typeof res>)[own]
}

/**
 * Makes an admitted session safe for the rest of its life: an exception in a listener ends only this session, `stop()`
 * and `reject()` really close it, and a response that is already gone causes no error in NMS.
 *
 * @param grant - `undefined` for a session that ran before the plugin was attached
 * @param address - `address:port`
 * @returns the client's statistics and a way to end it
 */
export const adoptFlv = (session: NmsFlvSession, grant: Grant | undefined, setting: Setting, address = ''): ServedClient => {
  const { req, res } = session
  const { context } = setting.nmsPackage
  const nms = Object.getPrototypeOf(session) as NmsFlvSession
  const life = lifeOf(session)
  const { socket } = req
  const queued = (): number => isWebSocket(res) ? res.bufferedAmount : res.writableLength + ('stream' in res ? 0 : socket.writableLength)
  const cut = (detail: string): void => {
    grant?.admission.place.end('overflow', detail)
    destroyFlv(session)
  }
  const unread = new UnreadBound(res as unknown as ConstructorParameters<typeof UnreadBound>[0], queued, cut)
  const unbound = isWebSocket(res) ? boundFrames(res, socket, MAX_UNFINISHED_BYTES, cut) : undefined
  unread.begin()
  let over = false

  const end = (message?: string): void => {
    if (over) return
    over = true
    setting.undo.delete(restore)
    grant?.admission.place.end(life.destroyed === true || setting.ending > 0 ? 'left' : 'closed')
    if (message !== undefined && isWebSocket(res)) res.close(POLICY_VIOLATION, message)
    try {
      nms.stop.call(session)
    } catch (error) {
      caught(error)
    } finally {
      context.sessions.delete(session.id)
      context.idlePlayers.delete(session.id)
    }
    afterFarewell(life, () => destroyFlv(session))
  }
  const restore = (): void => {
    setting.undo.delete(restore)
    unread.restore()
    unbound?.()
    delete (session as Partial<NmsFlvSession>).stop
    delete (session as Partial<NmsFlvSession>).onStartPlay
  }
  session.stop = () => end()
  session.onStartPlay = () => {
    // NMS calls this for a waiting player while it admits a publisher; an error here must not hurt the publisher.
    try {
      nms.onStartPlay.call(session)
      unread.begin()
    } catch (error) {
      caught(error, () => destroyFlv(session))
    }
  }
  if (!isWebSocket(res)) (('stream' in res ? res.stream : res) as EventEmitter).on('error', () => undefined)
  if (grant === undefined) setting.grants.trust(session)
  else corkByNode(res)
  setting.undo.add(restore)
  const queue = new SendQueue()
  return {
    address,
    get inBytes() { return socket.bytesRead },
    get outBytes() { return socket.bytesWritten },
    quietMs: () => queue.quietMs(queued(), socket.bytesWritten),
    goneAfterMs: () => STUCK_MS,
    close: end
  }
}
