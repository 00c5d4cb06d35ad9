import type { Socket } from 'node:net'
import { MAX_MESSAGES_A_TURN, MAX_OPENING_MESSAGES, MAX_TURN_MS } from '../../access/bounds.js'
import type { Admission } from '../../access/admission.js'
import type { CutReason } from '../../access/cut.js'
import { Departure } from '../../access/departure.js'
import type { Place } from '../../access/place.js'
import { deny } from '../../access/verdict.js'
import { destroySoon } from '../../farewell.js'
import { safely } from '../../safely.js'
import { trace } from '../../trace.js'
import type { Dialect } from '../../nms/dialect.js'
import type { RtmpCommand, RtmpListener, RtmpPeer } from '../../nms/host.js'
import type { Asked } from '../door/asked.js'
import type { Door } from '../door/door.js'
import { clientReason } from '../door/refusal.js'
import type { Release } from '../door/slots.js'
import { TOO_MUCH, type Holder, type Unadmitted } from '../door/unadmitted.js'
import { notRtmp } from './first-bytes.js'
import { rtmpRequest } from './request.js'

const debug = trace('gate')

/** C0, C1 and C2: parsed at once, since they contain no command. */
const HANDSHAKE_BYTES = 1 + 1536 + 1536
/** Bytes allowed between handshake and command; players need about 500. */
const MAX_OPENING_BYTES = 64 * 1024
const MAX_OPENING_MESSAGE_BYTES = 16 * 1024
/** Bytes a held client may send before reading stops. */
const MAX_KEPT_BYTES = 64 * 1024

/**
 * `opening`: no command yet, parsed message by message. `held`: at the door, input is buffered. `open`: handed to NMS.
 * `closing`: told why, input is discarded. `gone`: closed.
 */
type State = 'opening' | 'held' | 'open' | 'closing' | 'gone'

/** Callbacks on the way to a verdict. */
export interface Arrival {
  /** Its slot among the held, taken when it was accepted. */
  readonly slot: Release
  /** Memory of the clients that are not admitted. */
  readonly unadmitted: Unadmitted
  /** It is cut before a verdict. */
  onCut(reason: CutReason, detail?: string): void
  /** A command arrived: from now on the backend's time limit counts. */
  onCommand(): void
  /** It waits for nothing any more; its slot is free. */
  onDecided(): void
}

/** Takes an RTMP connection through the door. A class, because thousands may be held and each function property costs 64 bytes. */
export class RtmpConnection implements RtmpListener, Holder {
  private state: State
  private readonly leaving = new Departure()
  private handshakeLeft = HANDSHAKE_BYTES
  private openingLeft = MAX_OPENING_BYTES
  private kept: Buffer[] | undefined
  private keptBytes = 0
  private asking = false
  private place: Place | undefined
  /** A player that has ended its last play and may ask for another stream. */
  private mayAskAgain = false
  /** Whether it is still parsed message by message after its allow: a player may send another command. */
  private plays = false
  /** Whether it waits for others to have their turn. */
  private rests = false
  private readonly peer: RtmpPeer
  private readonly socket: Socket

  /** @param arrival - `undefined` for a connection admitted before the plugin was attached */
  constructor(
    private readonly door: Door, private readonly dialect: Dialect, private readonly secure: boolean, adopt: (listener: RtmpListener) => RtmpPeer, private readonly arrival?: Arrival
  ) {
    const runs = arrival === undefined
    this.state = runs ? 'open' : 'opening'
    this.peer = adopt(this)
    this.socket = this.peer.socket
    this.peer.limit(runs ? { messageBytes: Infinity } : { messageBytes: MAX_OPENING_MESSAGE_BYTES, messages: MAX_OPENING_MESSAGES })
    if (!runs) this.socket.setNoDelay(true)
    this.socket.on('data', this.onData)
    this.socket.on('end', this.onEnd)
    this.socket.on('error', this.onError)
  }

  /** Cuts it if it is undecided; held clients are refused through their verdict. */
  close(): void {
    if (this.state === 'opening') this.socket.destroy()
  }

  /** Ends it at once, in any state. */
  destroy(): void {
    this.state = 'closing'
    this.socket.destroy()
  }

  onTooMuch(): void { this.cut('overflow', TOO_MUCH) }

  command(received: RtmpCommand): void {
    const request = rtmpRequest(received, { id: this.peer.id, socket: this.socket, secure: this.secure }, this.dialect)
    if (this.state !== 'opening' && !(this.mayAskAgain && received.action === 'play')) {
      const why = this.plays && received.action === 'play' ? 'a stream runs on this connection; end it with closeStream or deleteStream before the next play' : 'one stream per connection'
      this.refuse(received.action, clientReason(this.door.refuse(request.asked, deny('malformed', why))))
      return
    }
    this.mayAskAgain = false
    this.arrival?.onCommand()
    this.state = 'held'
    this.ask(request)
  }

  playEnded(): void { this.mayAskAgain = this.state === 'open' }

  own(action: RtmpCommand['action']): void {
    this.arrival?.onCommand()
    this.arrival?.onDecided()
    this.state = 'open'
    this.forget()
    this.peer.limit({ messageBytes: action === 'play' ? MAX_OPENING_MESSAGE_BYTES : Infinity })
    this.socket.setNoDelay(false)
  }

  closed(): void {
    // While the backend is being asked, its slot is freed with the answer.
    if (!this.asking) this.arrival?.onDecided()
    this.state = 'gone'
    this.forget()
    this.leaving.abort()
  }

  released(): void {
    this.socket.off('data', this.onData).off('end', this.onEnd).off('error', this.onError)
  }

  private readonly onData = safely(this, (bytes: Buffer) => { this.data(bytes) })
  private readonly onError = safely(this, () => { this.closed() })
  private readonly onEnd = safely(this, () => {
    if (this.state === 'open' || this.state === 'closing') return
    this.socket.destroy()
    this.closed()
  })

  private ask(request: Asked): void {
    this.asking = true
    // The slot of its arrival is freed with the first verdict.
    const slot = this.place === undefined ? this.arrival?.slot : undefined
    void this.door.admit(request, this.leaving, slot).then((decision) => {
      this.asking = false
      this.arrival?.onDecided()
      if (decision === undefined || this.state !== 'held') return
      if ('admission' in decision) this.admit(decision.admission)
      else this.refuse(request.asked.action, clientReason(decision.refused))
    })
  }

  private admit(admission: Admission): void {
    const { peer, socket, kept = [] } = this
    const { request } = admission
    this.state = 'open'
    this.place = admission.place
    this.plays = request.action === 'play'
    this.forget()
    peer.limit({ messageBytes: request.action === 'play' ? MAX_OPENING_MESSAGE_BYTES : Infinity })
    this.parse(() => peer.proceed(admission))
    if (request.action === 'play') peer.afterFirstMedia(() => socket.setNoDelay(false))
    else socket.setNoDelay(false)
    for (const bytes of kept) this.data(bytes)
    socket.resume()
  }

  private refuse(action: RtmpCommand['action'], reason: string): void {
    this.peer.sendError(action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized', reason)
    this.peer.stop()
    this.socket.end()
    this.drain()
  }

  /** Reads and discards what the client still sends; otherwise a reset could overtake the reason. */
  private drain(): void {
    this.state = 'closing'
    this.forget()
    this.socket.resume()
    destroySoon(this.socket)
  }

  /** After an exception NMS's parser is unusable; only this connection suffers. */
  private parse(parse: () => void): void {
    try {
      parse()
    } catch (error) {
      debug('session %s sent what cannot be parsed, cut: %s', this.peer.id, error)
      const detail = error instanceof Error ? error.message : String(error)
      this.place?.end('error', detail)
      if (this.state === 'opening') this.cut(this.peer.messagesLeft < 0 ? 'overflow' : 'malformed', detail)
      else this.destroy()
      return
    }
    if (this.socket.writableEnded && this.state !== 'gone' && this.state !== 'closing') this.drain()
  }

  private feed(bytes: Buffer): void { this.parse(() => this.peer.feed(bytes)) }

  /** Ends it before it is decided. */
  private cut(reason: CutReason, detail?: string): void {
    debug('session %s is cut: %s %s', this.peer.id, reason, detail)
    this.arrival?.onCut(reason, detail)
    this.destroy()
  }

  /** Drops the buffered input. */
  private forget(): void {
    this.kept = undefined
    this.keptBytes = 0
    this.arrival?.unadmitted.holds(this, 0)
  }

  private data(bytes: Buffer): void {
    switch (this.state) {
      case 'open':
        if (!this.plays) return this.feed(bytes)
        if (this.rests) return this.keep(bytes)
        return this.step(bytes)
      case 'opening':
        if (this.rests) this.keep(bytes)
        else this.open(bytes)
        return this.account()
      case 'held':
        this.keep(bytes)
        return this.account()
      case 'closing': case 'gone': return
    }
  }

  /** Memory it uses in this process, including unread answers. */
  private account(): void {
    if (this.state === 'opening' || this.state === 'held') this.arrival?.unadmitted.holds(this, this.keptBytes + this.peer.reserved + this.socket.writableLength)
  }

  private open(bytes: Buffer): void {
    const other = this.handshakeLeft === HANDSHAKE_BYTES ? notRtmp(bytes) : undefined
    if (other !== undefined) return this.cut('malformed', other)
    const at = Math.min(this.handshakeLeft, bytes.length)
    this.handshakeLeft -= at
    if (at > 0) this.feed(bytes.subarray(0, at))
    if (at < bytes.length) this.step(bytes.subarray(at))
  }

  /** Feeds message by message, so that parsing stops at the last byte of a command. */
  private step(bytes: Buffer): void {
    const { messagesSeen } = this.peer
    const since = performance.now()
    let at = 0
    for (let steps = 1; at < bytes.length && this.isStepping(); steps += 1) {
      const end = Math.min(at + this.peer.step(), bytes.length)
      if (this.state === 'opening') {
        this.openingLeft -= end - at
        if (this.openingLeft < 0) return this.cut('overflow')
      }
      const part = bytes.subarray(at, end)
      at = end
      this.feed(part)
      const tookLong = this.peer.messagesSeen - messagesSeen >= MAX_MESSAGES_A_TURN || (steps % 64 === 0 && performance.now() - since > MAX_TURN_MS)
      if (tookLong && at < bytes.length && this.isStepping()) return this.rest(bytes.subarray(at))
    }
    if (at < bytes.length && (this.state === 'held' || (this.state === 'open' && !this.plays))) this.data(bytes.subarray(at))
  }

  private isStepping(): boolean { return (this.state === 'opening' || (this.state === 'open' && this.plays)) && !this.socket.destroyed }

  /** Continues after others have had their turn. */
  private rest(bytes: Buffer): void {
    this.rests = true
    this.keep(bytes)
    setImmediate(this.goOn)
  }

  private readonly goOn = safely(this, () => {
    const { kept = [] } = this
    this.rests = false
    this.kept = undefined
    this.keptBytes = 0
    for (const bytes of kept) this.data(bytes)
    if (!this.rests && this.keptBytes < MAX_KEPT_BYTES) this.socket.resume()
  })

  private keep(bytes: Buffer): void {
    (this.kept ??= []).push(bytes)
    this.keptBytes += bytes.length
    if (this.keptBytes >= MAX_KEPT_BYTES) this.socket.pause()
  }
}
