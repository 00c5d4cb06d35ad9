import type { EventEmitter } from 'node:events'
import { MAX_DATA_BYTES } from '../../access/bounds.js'
import { afterFarewell } from '../../farewell.js'
import { safely } from '../../safely.js'
import { trace } from '../../trace.js'
import { boundFrames } from '../frames.js'
import { Unread } from '../unread.js'
import { destroy } from './cut.js'
import type { Grant } from './grants.js'
import { queuedBytes, type Closer } from './served.js'
import { isWebSocket, type NmsContext, type NmsFlvSession } from './shapes.js'

const debug = trace('nms')

/** Close code of a WebSocket that the server does not want (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008

/** Where NMS listens for a session's bytes and for its end. */
interface Wires {
  readonly data: EventEmitter
  readonly dataEvent: 'data' | 'message'
  /** On HTTP/2 the stream: what NMS knows as the request's socket hands its listeners on to that. */
  readonly end: EventEmitter & { readonly destroyed?: boolean }
}

const wiresOf = ({ req, res }: NmsFlvSession): Wires => {
  if (isWebSocket(res)) return { data: res, dataEvent: 'message', end: res }
  return { data: req, dataEvent: 'data', end: 'stream' in req ? req.stream : req.socket }
}

/**
 * Whether a session's client has left. Between a request's admission and its session NMS may have
 * looked for a file or read a body, and it would wait for the end of a connection that has ended.
 */
export const hasLeft = (session: NmsFlvSession): boolean => wiresOf(session).end.destroyed === true

/** Takes NMS's own listeners off an FLV session, so that it raises and parses nothing more. */
export const unplug = (session: NmsFlvSession): void => {
  const { data, dataEvent, end } = wiresOf(session)
  data.off(dataEvent, session.onData)
  end.off('close', session.onClose)
}

/**
 * Makes an admitted FLV session safe for the rest of its life: it carries the id and the address that
 * the backend was told; what NMS's parser throws ends this session alone; a player's input is not parsed;
 * `close()` really closes; and on HTTP/2 the session ends with its stream.
 *
 * @returns what ends it, with a reason where its client can be told
 *
 * @param grant - `undefined` for a session that was running before the plugin was attached
 * @param undo - gets a function that gives the session back to NMS as it was
 */
export const adoptFlv = (session: NmsFlvSession, grant: Grant | undefined, context: NmsContext, undo: Set<() => void>): Closer => {
  if (grant !== undefined) {
    session.id = grant.admission.request.sessionId
    session.ip = grant.address ?? session.ip
  }
  const { onData, onClose, close } = session
  const wires = wiresOf(session)
  const publishes = grant?.admission.request.action === 'publish' || (grant === undefined && session.isPublisher)
  let closing = false
  let ended = false

  const cut = (): void => destroy(session)
  const guardedData = safely(cut, (bytes: Buffer) => {
    if (closing) return
    if (!publishes) {
      session.inBytes += bytes.length
      context.networkStats.inBytes += bytes.length
      return
    }
    try {
      onData(bytes)
    } catch (error) {
      debug('session %s sent what NMS cannot parse: %s', session.id, error)
      grant?.admission.place.end('error')
      destroy(session)
    }
  })
  const endOnce = safely(cut, () => {
    if (ended) return
    ended = true
    undo.delete(restore)
    grant?.admission.place.end('left')
    session.sendBuffer = () => undefined
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
    unbound?.()
    unwatch()
  }

  const unbound = publishes ? boundScript(session) : undefined
  const unwatch = watchUnread(session, publishes ? MAX_UNFINISHED_TAG_BYTES : MAX_UNFINISHED_BYTES, () => {
    grant?.admission.place.end('overflow')
    destroy(session)
  })
  unplug(session)
  wires.data.on(wires.dataEvent, guardedData)
  wires.end.on('close', endOnce)
  session.close = () => closeFirmly()
  // A stream that is gone would answer a write with an error event that nobody listens for.
  if ('stream' in session.res) (session.res).stream.on('error', () => undefined)
  undo.add(restore)
  return { close: closeFirmly }
}

/** NMS decodes the whole of its buffer for metadata, whatever the length of the tag. */
const SCRIPT = 18

const boundScript = (session: NmsFlvSession): () => void => {
  const { flv, onPacket } = session
  const { parserTagAlloc } = flv
  flv.parserTagAlloc = (size) => {
    if (flv.parserTagType === SCRIPT && size > MAX_DATA_BYTES) throw new RangeError(`metadata of ${size} bytes`)
    parserTagAlloc.call(flv, size)
  }
  session.onPacket = (packet) => {
    if (packet.codec_type === SCRIPT) packet.data = packet.data.subarray(0, packet.size)
    onPacket(packet)
  }
  return () => {
    flv.parserTagAlloc = parserTagAlloc
    session.onPacket = flv.onPacketCallback = onPacket
  }
}

/** What a WebSocket player may send of a frame that it does not finish. */
const MAX_UNFINISHED_BYTES = 64 * 1024
/** The same for a publisher: a tag of FLV, whose length has three bytes, with what may stand around it. */
const MAX_UNFINISHED_TAG_BYTES = 16 * 1024 * 1024 + MAX_UNFINISHED_BYTES

/** Ends a client that leaves too much unread, pongs included, or begins a frame without an end. */
const watchUnread = (session: NmsFlvSession, maxUnfinished: number, cut: () => void): () => void => {
  const { req, res, sendBuffer } = session
  let unread: Unread | undefined
  // It has its burst when NMS has begun it, in this turn of the event loop.
  queueMicrotask(safely(cut, () => { unread = new Unread(queuedBytes(session)) }))
  const check = (): void => {
    if (unread?.exceeds(queuedBytes(session)) !== true) return
    unread = undefined
    cut()
  }
  session.sendBuffer = (buffer) => {
    sendBuffer(buffer)
    check()
  }
  const restore = (): void => { session.sendBuffer = sendBuffer }
  if (!isWebSocket(res)) return restore
  const unbound = boundFrames(res, req.socket, maxUnfinished, check, cut)
  return () => {
    restore()
    unbound()
  }
}
