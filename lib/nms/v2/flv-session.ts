import type { EventEmitter } from 'node:events'
import type { ServedClient } from '../../access/place.js'
import { afterFarewell } from '../../farewell.js'
import { caught } from '../../safely.js'
import { boundFrames } from '../frames.js'
import type { Grant } from './grants.js'
import { SendQueue, STUCK_MS } from './send-queue.js'
import type { Setting } from './setting.js'
import { isWebSocket, type NmsFlvSession } from './shapes.js'
import { UnreadBound } from './unread-bound.js'

/** Close code of a WebSocket that the server does not want (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008

/** What ends when the client has left. */
const lifeOf = ({ req, res }: NmsFlvSession): EventEmitter & { readonly destroyed?: boolean } =>
  isWebSocket(res) ? res : 'stream' in req ? req.stream : req.socket

export const hasLeft = (session: NmsFlvSession): boolean => lifeOf(session).destroyed === true

/** Ends a session's connection at once, in both directions; on HTTP/2 its stream. */
export const destroyFlv = ({ req, res }: NmsFlvSession): void => {
  if (isWebSocket(res)) res.terminate()
  else if ('stream' in res) res.stream.destroy()
  else req.socket.destroy()
}

/** Takes NMS's own listeners off a session that must not begin. */
export const unplugFlv = (session: NmsFlvSession): void => {
  const { req, res } = session
  for (const emitter of [res, req.socket, 'stream' in req ? req.stream : req] as EventEmitter[]) {
    for (const event of ['close', 'error']) {
      for (const listener of emitter.listeners(event)) if (/^bound onReq/.test(listener.name)) emitter.off(event, listener as () => void)
    }
  }
}

/** What a WebSocket player may send of a frame that it does not finish. */
const MAX_UNFINISHED_BYTES = 64 * 1024

/**
 * Makes an admitted session safe for the rest of its life: an exception of a listener's ends this one alone,
 * `stop()` and `reject()` really close, and a response that is gone does not answer NMS with an error.
 *
 * @param grant - `undefined` for one that was running before the plugin was attached
 * @param address - `address:port`
 * @returns what is known of its client from now on, and what ends it
 */
export const adoptFlv = (session: NmsFlvSession, grant: Grant | undefined, setting: Setting, address = ''): ServedClient => {
  const { req, res } = session
  const { context } = setting.nmsPackage
  const nms = Object.getPrototypeOf(session) as NmsFlvSession
  const life = lifeOf(session)
  const { socket } = req
  const queued = (): number => isWebSocket(res) ? res.bufferedAmount : res.writableLength + ('stream' in res ? 0 : socket.writableLength)
  const cut = (): void => {
    grant?.admission.place.end('overflow')
    destroyFlv(session)
  }
  const unread = new UnreadBound(res as unknown as ConstructorParameters<typeof UnreadBound>[0], queued, cut)
  const unbound = isWebSocket(res) ? boundFrames(res, socket, MAX_UNFINISHED_BYTES, () => unread.check(), cut) : undefined
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
    // NMS calls it for a player that has waited while it lets a publisher in, who must not suffer from it.
    try {
      nms.onStartPlay.call(session)
      unread.begin()
    } catch (error) {
      caught(error, () => destroyFlv(session))
    }
  }
  if (!isWebSocket(res)) (('stream' in res ? res.stream : res) as EventEmitter).on('error', () => undefined)
  if (grant === undefined) setting.grants.trust(session)
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
