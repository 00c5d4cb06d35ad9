import type { AccessRequest } from '../access/request.js'
import { destroySoon } from '../farewell.js'
import { silence } from './cut.js'
import type { Grants } from './grants.js'
import type { RtmpCommand, RtmpPeer } from './host.js'
import { PARSING_PAYLOAD, type NmsContext, type NmsInvoke, type NmsRtmpSession } from './shapes.js'

/** What an admitted publisher may make the parser reserve, over all its chunk streams, in bytes. */
const MAX_RESERVED_BYTES = 64 * 1024 * 1024
/**
 * The same for everybody else: room for a few messages of the size that they may send. A dozen
 * bytes are enough to begin a message, and thousands may be at the door.
 */
const MAX_SMALL_RESERVED_BYTES = 128 * 1024
/** How many chunk streams one connection may use; encoders use fewer than ten, and each costs memory. */
const MAX_CHUNK_STREAMS = 64
/** The longest command that is decoded after an allow: decoding takes 50 ms per megabyte. */
const MAX_COMMAND_BYTES = 64 * 1024
/** The longest metadata message that is decoded after an allow, in bytes. */
const MAX_DATA_BYTES = 1024 * 1024
/** The format of a chunk without a message header. */
const HEADERLESS = 3
const COMMAND_TYPES = new Set([17, 20])
const DATA_TYPES = new Set([15, 18])

/** Everything that a peer needs from around it. */
export interface PeerSetting {
  readonly context: NmsContext
  readonly grants: Grants
  /** Gets a function that gives the session back to NMS as it was. */
  readonly undo: Set<() => void>
  /** Somebody (admin API, `notify.url`) closes a session that was allowed this. */
  readonly onClosed: (request: AccessRequest) => void
}

/**
 * Takes an RTMP session out of NMS's hands: its bytes go through `feed` alone, `play` and
 * `publish` stop at the listener before NMS has answered, only the holder of a publisher slot can
 * broadcast, `close()` really closes, and a session that was never granted anything disappears
 * without `donePlay`.
 *
 * @param granted - whether the session was running before the plugin was attached
 */
export const adoptRtmp = (
  session: NmsRtmpSession, { context, grants, undo, onClosed }: PeerSetting, granted: boolean,
  onCommand: (command: RtmpCommand) => void, onClose: () => void
): RtmpPeer => {
  const { socket, rtmp, onData, onClose: nmsOnClose, close, sendBuffer } = session
  const { onPacketCallback } = rtmp
  let maxMessageBytes = Infinity
  let reserved = 0
  let heldAt: (() => void) | undefined
  let action: RtmpCommand['action'] = 'play'
  let allowed: AccessRequest | undefined
  let stopped = false
  let onRelease = (): void => undefined

  const stopAt = (of: RtmpCommand['action'], original: (invoke: NmsInvoke) => void) => (invoke: NmsInvoke): void => {
    action = of
    heldAt = () => original.call(rtmp, invoke)
    onCommand({
      action: of,
      app: text(rtmp.streamApp),
      name: text(invoke.streamName),
      tcUrl: text(rtmp.connectCmdObj?.tcUrl),
      flashVer: text(rtmp.connectCmdObj?.flashVer)
    })
  }
  const closed = (): void => {
    undo.delete(restore)
    silence(session)
    if (granted) nmsOnClose()
    else context.sessions.delete(session.id)
    onClose()
  }
  const restore = (): void => {
    // NMS would raise donePlay for a session that never got anything, so it ends as it was: refused.
    if (!granted) {
      stopped = true
      socket.end()
      destroySoon(socket)
      return
    }
    onRelease()
    for (const own of ['onPlay', 'onPublish', 'chunkMessageHeaderRead', 'packetAlloc', 'packetHandler'] as const) delete (rtmp as Partial<typeof rtmp>)[own]
    rtmp.onPacketCallback = onPacketCallback
    session.close = close
    session.sendBuffer = sendBuffer
    socket.off('close', closed)
    socket.on('close', nmsOnClose)
    socket.on('data', onData)
  }

  const checkLength = (): void => {
    const { length, type } = rtmp.parserPacket.header
    const max = Math.min(maxMessageBytes, COMMAND_TYPES.has(type) ? MAX_COMMAND_BYTES : DATA_TYPES.has(type) ? MAX_DATA_BYTES : Infinity)
    if (length > max) throw new RangeError(`a message of ${length} bytes, more than ${max}`)
  }
  const { chunkMessageHeaderRead, packetAlloc, packetHandler } = rtmp
  // NMS would go back by what is too much, megabytes at a time, and parse that, or what was before it in memory.
  rtmp.chunkMessageHeaderRead = () => {
    // Most chunks say nothing new; an encoder may send thousands of them a second.
    if (rtmp.parserPacket.header.fmt === HEADERLESS) return rtmp.parserBasicBytes
    const at = chunkMessageHeaderRead.call(rtmp)
    const { bytes, header: { length } } = rtmp.parserPacket
    if (bytes > length) throw new RangeError(`a message shrinks to ${length} bytes after ${bytes} of it`)
    return at
  }
  rtmp.packetAlloc = () => {
    if (stopped) return
    checkLength()
    if (rtmp.inPackets.size > MAX_CHUNK_STREAMS) throw new RangeError(`more than ${MAX_CHUNK_STREAMS} chunk streams`)
    const { capacity, header } = rtmp.parserPacket
    const max = maxMessageBytes === Infinity ? MAX_RESERVED_BYTES : MAX_SMALL_RESERVED_BYTES
    if (reserved + Math.max(0, header.length - capacity) > max) throw new RangeError(`messages begun on too many chunk streams, ${reserved} bytes reserved`)
    packetAlloc.call(rtmp)
    reserved += rtmp.parserPacket.capacity - capacity
  }
  // A header in the middle of a message may give it another type and length than it began with.
  rtmp.packetHandler = () => {
    if (stopped) return
    checkLength()
    packetHandler.call(rtmp)
  }
  rtmp.onPlay = stopAt('play', rtmp.onPlay)
  rtmp.onPublish = stopAt('publish', rtmp.onPublish)
  rtmp.onPacketCallback = (packet) => {
    if (session.broadcast?.publisher === session) onPacketCallback(packet)
  }
  session.close = () => {
    stopped = true
    if (allowed !== undefined) onClosed(allowed)
    close()
    destroySoon(socket)
  }
  socket.off('data', onData)
  socket.off('close', nmsOnClose)
  socket.on('close', closed)
  undo.add(restore)

  return {
    id: session.id,
    socket,
    feed(bytes) {
      session.inBytes += bytes.length
      context.networkStats.inBytes += bytes.length
      if (stopped) return
      const error = rtmp.parserData(bytes)
      if (error !== null) throw new Error(error)
    },
    step() {
      const { bytes, header } = rtmp.parserPacket
      if (rtmp.parserState !== PARSING_PAYLOAD) return 1
      const step = Math.min(header.length - bytes, rtmp.inChunkSize - bytes % rtmp.inChunkSize)
      return step >= 1 ? step : 1
    },
    limit(bytes) { maxMessageBytes = bytes },
    proceed(request) {
      granted = true
      allowed = request
      grants.give(session, { sessionId: session.id, action, streamPath: request.streamPath })
      heldAt?.()
      heldAt = undefined
    },
    sendError: (code, description) => rtmp.sendStatusMessage(rtmp.parserPacket.header.stream_id, 'error', code, description),
    stop() { stopped = true },
    onRelease(listener) { onRelease = listener },
    afterFirstMedia(listener) {
      if (session.outBytes > 0) return listener()
      session.sendBuffer = (buffer) => {
        session.sendBuffer = sendBuffer
        sendBuffer(buffer)
        listener()
      }
    }
  }
}

const text = (value: unknown): string => typeof value === 'string' ? value : ''
