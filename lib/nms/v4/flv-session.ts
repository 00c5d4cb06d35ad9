import type { EventEmitter } from 'node:events'
import { afterFarewell } from '../../farewell.js'
import { safely } from '../../safely.js'
import { trace } from '../../trace.js'
import { boundFrames } from '../common/frames.js'
import { LEFT_UNREAD, Unread } from '../common/unread.js'
import { destroy } from './cut.js'
import { GuardedFlvParser } from './flv-parser.js'
import type { Grant } from './grants.js'
import { queuedBytes, type Closer } from './served.js'
import { isWebSocket, type NmsContext, type NmsFlvSession } from './shapes.js'

const debug = trace('nms')

/** WebSocket close code for a client the server rejects (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008

/** Where NMS listens for a session's bytes and for its end. */
interface Wires {
  readonly data: EventEmitter
  readonly dataEvent: 'data' | 'message'
  /** On HTTP/2 this is the stream: the request's socket, as NMS sees it, forwards its listeners there. */
  readonly end: EventEmitter & { readonly destroyed?: boolean }
}

const wiresOf = ({ req, res }: NmsFlvSession): Wires => {
  if (isWebSocket(res)) return { data: res, dataEvent: 'message', end: res }
  return { data: req, dataEvent: 'data', end: 'stream' in req ? req.stream : req.socket }
}

/**
 * Whether a session's client has left. Between the admission of a request and its session, NMS may have looked for a
 * file or read a body, and it would then wait for the end of a connection that has already ended.
 */
export const hasLeft = (session: NmsFlvSession): boolean => wiresOf(session).end.destroyed === true

/** Removes NMS's own listeners from an FLV session, so that it raises and parses nothing more. */
export const unplug = (session: NmsFlvSession): void => {
  const { data, dataEvent, end } = wiresOf(session)
  data.off(dataEvent, session.onData)
  end.off('close', session.onClose)
}

/**
 * Makes an admitted FLV session safe for the rest of its life: it gets the id and the address the backend was told; an
 * exception in NMS's parser ends only this session; a player's input is not parsed; `close()` really closes; and on
 * HTTP/2 the session ends with its stream.
 *
 * @returns a closer, which can give a reason if the client can be told
 * @param grant - `undefined` for a session that ran before the plugin was attached
 * @param undo - receives a function that hands the session back to NMS unchanged
 */
export const adoptFlv = (session: NmsFlvSession, grant: Grant | undefined, context: NmsContext, undo: Set<() => void>): Closer => {
  if (grant !== undefined) {
    session.id = grant.admission.request.sessionId
    session.ip = grant.address ?? session.ip
  }
  const { onData, onClose, close } = session
  const wires = wiresOf(session)
  const publishes = grant?.admission.request.action === 'publish' || (grant === undefined && session.isPublisher)
  const parser = publishes ? new GuardedFlvParser(session) : undefined
  let closing = false
  let ended = false

  const cut = (): void => destroy(session)
  const guardedData = safely(cut, (bytes: Buffer) => {
    if (closing || ended) return
    if (parser === undefined) {
      session.inBytes += bytes.length
      context.networkStats.inBytes += bytes.length
      return
    }
    try {
      parser.feed(bytes)
    } catch (error) {
      debug('session %s sent what NMS cannot parse: %s', session.id, error)
      grant?.admission.place.end('error', error instanceof Error ? error.message : String(error))
      destroy(session)
    }
  })
  const endOnce = safely(cut, () => {
    if (ended) return
    ended = true
    undo.delete(restore)
    grant?.admission.place.end('left')
    session.sendBuffer = () => undefined
    parser?.release()
    onClose()
  })
  const closeFirmly = (message?: string): void => {
    closing = true
    grant?.admission.place.end('closed')
    if (message !== undefined && isWebSocket(session.res)) session.res.close(POLICY_VIOLATION, message)
    else close()
    afterFarewell(wires.end, () => destroy(session))
  }
  const restore = (): void => {
    wires.data.off(wires.dataEvent, guardedData)
    wires.end.off('close', endOnce)
    /* eslint-disable safely/callbacks -- they are NMS's own, put back as they were */
    wires.data.on(wires.dataEvent, onData)
    wires.end.on('close', onClose)
    /* eslint-enable safely/callbacks */
    session.close = close
    parser?.restore()
    unwatch()
  }

  const unwatch = watchUnread(session, publishes ? MAX_UNFINISHED_TAG_BYTES : MAX_UNFINISHED_BYTES, (detail) => {
    grant?.admission.place.end('overflow', detail)
    destroy(session)
  })
  unplug(session)
  wires.data.on(wires.dataEvent, guardedData)
  wires.end.on('close', endOnce)
  session.close = () => closeFirmly()
  // Writing to a stream that is gone would emit an error event that nobody handles.
  if ('stream' in session.res) (session.res).stream.on('error', () => undefined)
  undo.add(restore)
  return { close: closeFirmly }
}

/** Bytes of an unfinished frame that a WebSocket player may send. */
const MAX_UNFINISHED_BYTES = 64 * 1024
/** The same for a publisher: an FLV tag, whose length field has three bytes, and room for what surrounds it. */
const MAX_UNFINISHED_TAG_BYTES = 16 * 1024 * 1024 + MAX_UNFINISHED_BYTES

/** Ends a client that leaves too much unread, or starts a frame and does not finish it. */
const watchUnread = (session: NmsFlvSession, maxUnfinished: number, cut: (detail: string) => void): () => void => {
  const { req, res, sendBuffer } = session
  let unread: Unread | undefined
  // NMS sends the burst when it starts the session, in this turn of the event loop.
  queueMicrotask(safely(() => destroy(session), () => { unread = new Unread(queuedBytes(session)) }))
  session.sendBuffer = (buffer) => {
    sendBuffer(buffer)
    if (unread?.exceeds(queuedBytes(session)) !== true) return
    unread = undefined
    cut(LEFT_UNREAD)
  }
  const restore = (): void => { session.sendBuffer = sendBuffer }
  if (!isWebSocket(res)) return restore
  const unbound = boundFrames(res, req.socket, maxUnfinished, cut)
  return () => {
    restore()
    unbound()
  }
}
