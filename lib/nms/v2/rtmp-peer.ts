import type { Socket } from 'node:net'
import type { Admission } from '../../access/admission.js'
import type { Place, ServedClient } from '../../access/place.js'
import type { Action } from '../../access/request.js'
import { mistakeInTcUrl } from '../../access/tc-url.js'
import { destroySoon } from '../../farewell.js'
import { caught, safely } from '../../safely.js'
import type { Limits, RtmpListener, RtmpPeer } from '../host.js'
import { boundCache, unboundCache } from './bounded-cache.js'
import { GuardedParser } from './rtmp-parser.js'
import { SendQueue, STUCK_MS } from './send-queue.js'
import type { Setting } from './setting.js'
import type { NmsInvoke, NmsRtmpSession } from './shapes.js'
import { UnreadBound } from './unread-bound.js'

/**
 * Takes an RTMP session out of NMS's hands: its bytes go through `feed` alone; `play` and `publish` stop at
 * the listener before NMS has answered; `preConnect` and `postConnect` wait for the verdict; only who holds a
 * stream can put anything into it; `stop()` and `reject()` tell the client why; and a session that was never
 * granted anything disappears without an event.
 *
 * @param granted - whether the session was running before the plugin was attached
 */
export const adoptRtmp = (session: NmsRtmpSession, setting: Setting, granted: boolean, listener: RtmpListener): RtmpPeer =>
  new AdoptedRtmp(session, setting, granted, listener)

type Listener = (...args: unknown[]) => void

/** NMS's own listeners of a session's socket. */
const EVENTS = { data: 'onSocketData', close: 'onSocketClose', error: 'onSocketError', timeout: 'onSocketTimeout' } as const

/** Methods that the session gets of its own. */
const OWN = [
  'onConnect', 'onPlay', 'onPublish', 'onDeleteStream', 'onPause', 'onReceiveAudio', 'onReceiveVideo',
  'onStartPlay', 'rtmpAudioHandler', 'rtmpVideoHandler', 'rtmpDataHandler', 'sendStatusMessage', 'stop'
] as const

/** What NMS itself does, on the prototype of its class. */
const nmsOf = (session: NmsRtmpSession): NmsRtmpSession => Object.getPrototypeOf(session) as NmsRtmpSession

class AdoptedRtmp implements RtmpPeer, ServedClient {
  readonly id: string
  readonly socket: Socket
  private readonly parser: GuardedParser
  private readonly nmsListeners: [event: string, listener: Listener][]
  private heldAt: NmsInvoke | undefined
  private action: Action = 'play'
  private place: Place | undefined
  private readonly queue = new SendQueue()
  /** From its allow on. */
  private unread: UnreadBound | undefined
  /** Of its `play` or `publish`: that of the message being parsed is another one later. */
  private streamId = 0
  /** Events of the `connect` command that nobody has heard of yet. */
  private connecting: unknown[][] = []
  private connected = false
  /** As the client wrote it; NMS takes its first slash away. */
  private app = ''
  private proceeding = false
  /** NMS, or an app, has ended it while it was being let in. */
  private rejected = false
  private told = false
  private firstMedia: (() => void) | undefined

  constructor(
    private readonly session: NmsRtmpSession, private readonly setting: Setting, private granted: boolean, private readonly listener: RtmpListener
  ) {
    const { id, socket } = session
    this.id = id
    this.socket = socket
    this.connected = granted
    this.parser = new GuardedParser(session)
    session.rtmpGopCacheQueue = boundCache(session.rtmpGopCacheQueue)
    session.flvGopCacheQueue = boundCache(session.flvGopCacheQueue)
    this.nmsListeners = Object.entries(EVENTS).flatMap(([event, method]) =>
      (socket.listeners(event) as Listener[]).filter(({ name }) => name === `bound ${method}`).map((each): [string, Listener] => [event, each]))
    for (const [event, each] of this.nmsListeners) socket.off(event, each)
    this.override()
    socket.on('close', this.onClosed)
    socket.on('timeout', this.onTimeout)
    setting.undo.add(this.restore)
    if (granted) setting.grants.trust(session)
  }

  feed(bytes: Buffer): void { this.parser.feed(bytes) }
  step(): number { return this.parser.step() }
  limit({ messageBytes, messages = Infinity }: Limits): void {
    this.parser.maxMessageBytes = messageBytes
    this.parser.messagesLeft = messages
  }

  get messagesLeft(): number { return this.parser.messagesLeft }
  get messagesSeen(): number { return this.parser.messagesSeen }
  get reserved(): number { return this.parser.reserved }
  stop(): void { this.parser.stopped = true }

  proceed(admission: Admission): void {
    const { session, setting: { grants }, heldAt } = this
    const { request, place } = admission
    const { streamPath, query, action } = request
    this.place = place
    grants.give(session, { admission })
    const [, app = '', name = ''] = streamPath.split('/')
    session.appname = app
    // NMS drops what follows a second "?".
    if (heldAt !== undefined) heldAt.streamName = query === '' ? name : `${name}?${query.replaceAll('?', '%3F')}`
    this.carryOut()
    if (this.rejected || !(session.isPlaying || session.isIdling || session.isPublishing)) {
      place.end('refused')
      this.sayWhy()
      return
    }
    const path = action === 'play' ? session.playStreamPath : session.publishStreamPath
    place.begin(this, path === streamPath ? request : { ...request, streamPath: path })
  }

  sendError(code: string, description: string): void {
    this.session.sendStatusMessage(this.session.parserPacket?.header.stream_id ?? 0, 'error', code, description)
  }

  afterFirstMedia(listener: () => void): void {
    if (this.session.isPlaying) listener()
    else this.firstMedia = listener
  }

  /** Lets NMS carry out the command at which it was stopped. */
  private carryOut(): void {
    const { session, heldAt, action } = this
    const { context } = this.setting.nmsPackage
    this.granted = true
    this.heldAt = undefined
    this.proceeding = true
    this.unread ??= new UnreadBound(this.socket as unknown as ConstructorParameters<typeof UnreadBound>[0], () => this.socket.writableLength, () => {
      this.place?.end('overflow')
      this.socket.destroy()
    })
    try {
      for (const event of this.connecting.splice(0)) if (session.isStarting) context.nodeEvent.emit(...event as [string])
      // Of a stream id of 0 NMS would never know that its stream has ended.
      if (session.parserPacket?.header.stream_id === 0) session.parserPacket.header.stream_id = 1
      this.streamId = session.parserPacket?.header.stream_id ?? 1
      if (session.isStarting && heldAt !== undefined) nmsOf(session)[action === 'play' ? 'onPlay' : 'onPublish'].call(session, heldAt)
    } finally {
      this.proceeding = false
    }
    this.unread.begin()
  }

  private override(): void {
    const { session, setting } = this
    const nms = nmsOf(session)
    const ifGranted = (method: 'onPause' | 'onReceiveAudio' | 'onReceiveVideo') => (invoke: NmsInvoke): void => {
      if (this.granted) nms[method].call(session, invoke)
    }
    const ifPublishing = (method: 'rtmpAudioHandler' | 'rtmpVideoHandler' | 'rtmpDataHandler') => (): void => {
      if (session.isPublishing && setting.nmsPackage.context.publishers.get(session.publishStreamPath) === session.id) nms[method].call(session)
    }
    Object.assign(session, {
      onConnect: (invoke: NmsInvoke) => this.connect(invoke),
      onPlay: (invoke: NmsInvoke) => this.stopAt('play', invoke),
      onPublish: (invoke: NmsInvoke) => this.stopAt('publish', invoke),
      onDeleteStream: (invoke: NmsInvoke) => {
        if (!this.granted) return
        const endsPlay = this.action === 'play' && session.playStreamId > 0 && invoke.streamId === session.playStreamId
        setting.ending += 1
        try {
          nms.onDeleteStream.call(session, invoke)
        } finally {
          setting.ending -= 1
        }
        if (!endsPlay || !session.isStarting) return
        this.place?.end('left')
        this.place = undefined
        this.listener.playEnded()
      },
      onPause: ifGranted('onPause'),
      onReceiveAudio: ifGranted('onReceiveAudio'),
      onReceiveVideo: ifGranted('onReceiveVideo'),
      onStartPlay: () => {
        // NMS calls it for a player that has waited while it lets a publisher in, who must not suffer from it.
        try {
          nms.onStartPlay.call(session)
          this.unread?.begin()
          this.firstMedia?.()
          this.firstMedia = undefined
        } catch (error) {
          caught(error, this.socket)
        }
      },
      rtmpAudioHandler: ifPublishing('rtmpAudioHandler'),
      rtmpVideoHandler: ifPublishing('rtmpVideoHandler'),
      rtmpDataHandler: ifPublishing('rtmpDataHandler'),
      sendStatusMessage: (...[streamId, level, code, description]: Parameters<NmsRtmpSession['sendStatusMessage']>) => {
        this.told ||= level === 'error'
        nms.sendStatusMessage.call(session, streamId, level, code, description)
      },
      stop: () => this.closeBySomebody()
    })
  }

  /** Answers `connect`, once, and keeps its events until there is a verdict. */
  private connect(invoke: NmsInvoke): void {
    if (this.connected) throw new RangeError('a second connect')
    const { cmdObj } = invoke
    const { app, tcUrl } = typeof cmdObj === 'object' && cmdObj !== null ? cmdObj as { app?: unknown, tcUrl?: unknown } : {}
    const mistake = typeof app !== 'string' ? 'connect without an app' : mistakeInTcUrl(tcUrl)
    if (mistake !== undefined) throw new RangeError(mistake)
    this.app = app as string
    this.connected = true
    const { nodeEvent } = this.setting.nmsPackage.context
    nodeEvent.emit = (...event) => this.connecting.push(event) > 0
    try {
      nmsOf(this.session).onConnect.call(this.session, invoke)
    } finally {
      delete (nodeEvent as Partial<typeof nodeEvent>).emit
    }
  }

  private stopAt(action: Action, invoke: NmsInvoke): void {
    const { session: { connectCmdObj }, setting, app } = this
    this.action = action
    this.heldAt = invoke
    const own = this.granted ? undefined : setting.own.recognize(app, text(invoke.streamName))
    if (own !== undefined) {
      invoke.streamName = own
      setting.grants.trust(this.session)
      this.listener.own(action)
      return this.carryOut()
    }
    this.listener.command({ action, app, name: text(invoke.streamName), tcUrl: text(connectCmdObj?.tcUrl), flashVer: text(connectCmdObj?.flashVer) })
  }

  get address(): string { return `${this.session.ip}:${this.socket.remotePort ?? 0}` }
  get inBytes(): number { return this.socket.bytesRead }
  get outBytes(): number { return this.socket.bytesWritten }

  quietMs(): number { return this.queue.quietMs(this.socket.writableLength, this.socket.bytesWritten) }
  goneAfterMs(): number { return STUCK_MS }

  /** Somebody closes the session. Its client is told before, and gets nothing more. */
  close(message?: string): void {
    const { session, place, streamId, action } = this
    this.stop()
    place?.end('closed')
    if (message !== undefined) session.sendStatusMessage(streamId, 'error', action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized', message)
    if (session.isStarting) this.endAtNms()
    this.socket.end()
    destroySoon(this.socket)
  }

  /** NMS, its API or an app calls `stop()` or `reject()`. */
  private closeBySomebody(): void {
    if (!this.granted) {
      this.stop()
      this.socket.destroy()
      return
    }
    if (this.proceeding) this.rejected = true
    else return this.close()
    this.stop()
    this.endAtNms()
  }

  /** A client that NMS or an app has not let in after all; NMS itself would just cut it. */
  private sayWhy(): void {
    if (!this.told) this.sendError(this.action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized', 'refused by the server')
    this.stop()
    this.socket.end()
    destroySoon(this.socket)
  }

  /** NMS ends the session for its part; whoever is still to be told something keeps the connection. */
  private endAtNms(): void {
    const { session, socket, setting: { nmsPackage: { context } } } = this
    const own = socket as { destroy?: unknown }
    own.destroy = () => socket
    try {
      nmsOf(session).stop.call(session)
    } finally {
      delete own.destroy
      context.sessions.delete(session.id)
      context.idlePlayers.delete(session.id)
      if (context.publishers.get(session.publishStreamPath) === session.id) context.publishers.delete(session.publishStreamPath)
    }
  }

  private readonly onTimeout = safely(() => this.socket.destroy(), () => {
    this.socket.destroy()
  })

  private readonly onClosed = safely(() => this.listener.closed(), () => {
    const { session, setting } = this
    setting.undo.delete(this.restore)
    this.stop()
    this.place?.end('left')
    try {
      if (this.granted) {
        if (session.isStarting) this.endAtNms()
      } else {
        session.isStarting = false
        if (session.pingInterval !== null) clearInterval(session.pingInterval)
        setting.nmsPackage.context.sessions.delete(session.id)
      }
    } catch (error) {
      // A listener of NMS's events has thrown.
      caught(error)
    }
    this.listener.closed()
  })

  private readonly restore = (): void => {
    const { session, socket } = this
    // NMS would raise events for a session that never got anything, so it ends as it was: refused.
    if (!this.granted) {
      this.stop()
      socket.end()
      destroySoon(socket)
      return
    }
    this.setting.undo.delete(this.restore)
    this.listener.released()
    this.parser.restore()
    this.unread?.restore()
    session.rtmpGopCacheQueue = unboundCache(session.rtmpGopCacheQueue)
    session.flvGopCacheQueue = unboundCache(session.flvGopCacheQueue)
    for (const own of OWN) delete (session as Partial<NmsRtmpSession>)[own]
    socket.off('close', this.onClosed)
    socket.off('timeout', this.onTimeout)
    // eslint-disable-next-line safely/callbacks -- they are NMS's own, put back as they were
    for (const [event, each] of this.nmsListeners) socket.on(event, each)
  }
}

const text = (value: unknown): string => typeof value === 'string' ? value : ''
