import { Departure } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import { deny } from '../access/verdict.js'
import { destroySoon } from '../farewell.js'
import { trace } from '../log.js'
import type { RtmpCommand, RtmpFront, RtmpPeer } from '../nms/host.js'
import type { Door, Release } from './door.js'
import { clientReason } from './refusal.js'
import { rtmpRequest } from './rtmp-request.js'

const debug = trace('gate')

/** C0, C1 and C2: parsed in one piece, for they hold no command. */
const HANDSHAKE_BYTES = 1 + 1536 + 1536
/** What may follow the handshake before a command is decided: 500 bytes do for any player. */
const MAX_OPENING_BYTES = 64 * 1024
const MAX_OPENING_MESSAGE_BYTES = 16 * 1024
/** What a held client may send on before it is no longer read. */
const MAX_KEPT_BYTES = 64 * 1024

/**
 * `opening`: no command yet, parsed message by message. `held`: at the door, input is kept.
 * `open`: NMS's own. `closing`: told why, input is thrown away. `gone`: closed.
 */
type State = 'opening' | 'held' | 'open' | 'closing' | 'gone'

export interface RtmpConnection { close(): void }

interface Arriving {
  readonly door: Door
  readonly secure: boolean
  readonly adopt: Parameters<RtmpFront['ready']>[2]
  /** Frees its place among the held. */
  readonly release?: Release
  /** A command arrived: from here on the backend's budget counts. */
  readonly onCommand?: () => void
  /** It is no longer undecided. */
  readonly onDecided?: () => void
  /** It was admitted before the plugin was attached. */
  readonly runs?: boolean
}

/** Takes an RTMP connection through the door. */
export const openRtmpConnection = (arriving: Arriving): RtmpConnection => {
  const { door, secure, runs = false } = arriving
  const leaving = new Departure()
  let state: State = runs ? 'open' : 'opening'
  let handshakeLeft = HANDSHAKE_BYTES
  let openingLeft = MAX_OPENING_BYTES
  let kept: Buffer[] = []
  let keptBytes = 0
  let asking = false

  const left = (): void => {
    if (!asking) settle()
    state = 'gone'
    kept = []
    leaving.abort()
  }
  /** Its place among the held is free again; while a backend is asked, that is when it has answered. */
  const settle = (): void => {
    arriving.release?.()
    arriving.onDecided?.()
  }

  const command = (received: RtmpCommand): void => {
    if (state !== 'opening') {
      refuse(received.action, 'one stream per connection')
      return
    }
    arriving.onCommand?.()
    const request = rtmpRequest(received, { id: peer.id, socket, secure })
    state = 'held'
    if ('malformed' in request) {
      const verdict = deny('malformed', request.malformed)
      door.report(request.asked, verdict)
      settle()
      refuse(received.action, clientReason(verdict))
    } else void ask(request.asked)
  }
  const ask = async (request: AccessRequest): Promise<void> => {
    asking = true
    const verdict = await door.decide(request, leaving)
    asking = false
    settle()
    if (state !== 'held') return
    if (verdict.allowed) admit(request)
    else refuse(request.action, clientReason(verdict))
  }

  const admit = (request: AccessRequest): void => {
    state = 'open'
    peer.limit(request.action === 'play' ? MAX_OPENING_MESSAGE_BYTES : Infinity)
    safely(() => peer.proceed(request))
    if (request.action === 'play') peer.afterFirstMedia(() => socket.setNoDelay(false))
    else socket.setNoDelay(false)
    for (const bytes of kept.splice(0)) data(bytes)
    socket.resume()
  }
  const refuse = (action: RtmpCommand['action'], reason: string): void => {
    peer.sendError(action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized', reason)
    peer.stop()
    socket.end()
    drain()
  }
  /** What the client still sends is read and thrown away, else a reset could overtake the reason. */
  const drain = (): void => {
    state = 'closing'
    kept = []
    socket.resume()
    destroySoon(socket)
  }
  /** NMS's parser is beyond repair after an exception; only this connection suffers. */
  const safely = (parse: () => void): void => {
    try {
      parse()
    } catch (error) {
      debug('session %s sent what cannot be parsed, cut: %s', peer.id, error)
      state = 'closing'
      socket.destroy()
      return
    }
    if (socket.writableEnded && state !== 'gone' && state !== 'closing') drain()
  }

  const data = (bytes: Buffer): void => {
    switch (state) {
      case 'open': return safely(() => peer.feed(bytes))
      case 'opening': return open(bytes)
      case 'held': return keep(bytes)
      case 'closing': case 'gone': return
    }
  }
  const open = (bytes: Buffer): void => {
    let at = Math.min(handshakeLeft, bytes.length)
    handshakeLeft -= at
    if (at > 0) safely(() => peer.feed(bytes.subarray(0, at)))
    while (at < bytes.length && state === 'opening' && !socket.destroyed) {
      const end = Math.min(at + peer.step(), bytes.length)
      openingLeft -= end - at
      if (openingLeft < 0) {
        debug('session %s sent %d bytes without a command, cut', peer.id, MAX_OPENING_BYTES)
        socket.destroy()
        return
      }
      const part = bytes.subarray(at, end)
      at = end
      safely(() => peer.feed(part))
    }
    if (at < bytes.length && state !== 'opening') data(bytes.subarray(at))
  }
  const keep = (bytes: Buffer): void => {
    kept.push(bytes)
    keptBytes += bytes.length
    if (keptBytes >= MAX_KEPT_BYTES) socket.pause()
  }

  const peer: RtmpPeer = arriving.adopt(command, left)
  const { socket } = peer
  peer.limit(MAX_OPENING_MESSAGE_BYTES)
  if (runs) peer.limit(Infinity)
  else socket.setNoDelay(true)
  const ended = (): void => {
    if (state === 'open' || state === 'closing') return
    socket.destroy()
    left()
  }
  socket.on('data', data)
  socket.once('end', ended)
  socket.once('error', left)
  peer.onRelease(() => { socket.off('data', data).off('end', ended).off('error', left) })
  return {
    /** Those who are held are refused through their verdict. */
    close() {
      if (state === 'opening') socket.destroy()
    }
  }
}
