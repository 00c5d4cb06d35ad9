import type { Socket } from 'node:net'
import type { Admission } from '../../access/admission.js'
import type { Place, ServedClient } from '../../access/place.js'
import type { Action } from '../../access/request.js'
import { destroySoon } from '../../farewell.js'
import { caught, safely } from '../../safely.js'
import type { Limits, RtmpListener, RtmpPeer } from '../host.js'
import { boundCache, unboundCache } from './bounded-cache.js'
import { endAtNms, forget } from './ending.js'
import { HeldConnect } from './held-connect.js'
import { GuardedParser } from './rtmp-parser.js'
import { SendQueue, STUCK_MS } from '../common/send-queue.js'
import type { Setting } from './setting.js'
import { nmsOf, type NmsInvoke, type NmsRtmpSession } from './shapes.js'
import { takeListeners } from './socket-listeners.js'
import { UnreadBound } from './unread-bound.js'

/**
 * Takes an RTMP session out of NMS's hands: its bytes only go through `feed`; `play` and `publish` stop at the listener
 * before NMS answers; `preConnect` and `postConnect` wait for the verdict; only the owner of a stream can send media
 * into it; `stop()` and `reject()` tell the client why; and a session that was never granted anything disappears
 * without an event.
 */
export const adoptRtmp = (session: NmsRtmpSession, setting: Setting, origin: Origin, listener: RtmpListener): RtmpPeer =>
  new AdoptedRtmp(session, setting, origin, listener)

/** `running`: it ran before the plugin was attached. `own entrance`: the port for NMS's own ffmpeg processes only. */
export type Origin = 'anybody' | 'own entrance' | 'running'

/** Whether it has been adopted already. */
export const isAdopted = (session: NmsRtmpSession): boolean => Object.hasOwn(session, 'onPlay')

/** What a client is told when NMS or an app rejects it. */
const REFUSED = 'refused by the server'

/** Methods that are replaced on the session itself. */
const OWN = [
  'onConnect', 'onPlay', 'onPublish', 'onDeleteStream', 'onPause', 'onReceiveAudio', 'onReceiveVideo',
  'onStartPlay', 'rtmpAudioHandler', 'rtmpVideoHandler', 'rtmpDataHandler', 'sendStatusMessage', 'reject', 'stop'
] as const

class AdoptedRtmp implements RtmpPeer, ServedClient {
  readonly id: string
  readonly socket: Socket
  private readonly parser: GuardedParser
  private readonly putListenersBack: () => void
  private readonly held: HeldConnect
  private heldAt: NmsInvoke | undefined
  private action: Action = 'play'
  private place: Place | undefined
  private readonly queue = new SendQueue()
  /** Exists once the client is allowed. */
  private unread: UnreadBound | undefined
  /** The stream id of its `play` or `publish`; the message being parsed may be a different one later. */
  private streamId = 0
  private proceeding = false
  /** NMS or an app ended it while it was being admitted. */
  private rejected = false
  private told = false
  /** An app rejected it when it was already in, for example from an asynchronous listener. */
  private late = false
  private firstMedia: (() => void) | undefined
  private granted: boolean

  constructor(
    private readonly session: NmsRtmpSession, private readonly setting: Setting, private readonly origin: Origin, private readonly listener: RtmpListener
  ) {
    const { id, socket } = session
    this.id = id
    this.socket = socket
    this.granted = origin === 'running'
    this.held = new HeldConnect(session, setting.nmsPackage.context, this.granted)
    this.parser = new GuardedParser(session)
    session.rtmpGopCacheQueue = boundCache(session.rtmpGopCacheQueue)
    session.flvGopCacheQueue = boundCache(session.flvGopCacheQueue)
    this.putListenersBack = takeListeners(socket)
    this.override()
    socket.on('close', this.onClosed)
    socket.on('timeout', this.onTimeout)
    setting.undo.add(this.restore)
    if (this.granted) setting.grants.trust(session)
  }

  feed(bytes: Buffer): void {
    if (this.unread === undefined) this.parser.feed(bytes)
    else this.unread.answer(() => this.parser.feed(bytes))
  }

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
    // NMS drops everything after a second "?".
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

  /** Lets NMS carry out the command that was held. */
  private carryOut(): void {
    const { session, heldAt, action } = this
    this.granted = true
    this.heldAt = undefined
    this.proceeding = true
    this.unread ??= new UnreadBound(this.socket as unknown as ConstructorParameters<typeof UnreadBound>[0], () => this.socket.writableLength, (detail) => {
      this.place?.end('overflow', detail)
      this.socket.destroy()
    })
    try {
      this.held.raise()
      // With a stream id of 0, NMS would never notice the end of the stream.
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
      onConnect: (invoke: NmsInvoke) => this.held.answer(invoke),
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
        // NMS calls this for a waiting player while it admits a publisher; an error here must not hurt the publisher.
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
      reject: () => {
        this.late = this.granted && !this.proceeding
        nms.reject.call(session)
      },
      stop: () => this.closeBySomebody()
    })
  }

  private stopAt(action: Action, invoke: NmsInvoke): void {
    const { session: { connectCmdObj }, setting, held: { app } } = this
    this.action = action
    this.heldAt = invoke
    const own = this.granted ? undefined : setting.own.recognize(app, text(invoke.streamName), this.origin === 'own entrance')
    if (own === undefined && this.origin === 'own entrance' && !this.granted) {
      this.socket.destroy()
      return
    }
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

  /** Closes the session; its client is told why first, and gets nothing more. */
  close(message?: string): void {
    const { session, place, streamId, action } = this
    this.stop()
    place?.end('closed')
    if (message !== undefined) session.sendStatusMessage(streamId, 'error', action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized', message)
    if (session.isStarting) endAtNms(this.session, this.setting.nmsPackage.context)
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
    else return this.close(this.late ? REFUSED : undefined)
    this.stop()
    endAtNms(this.session, this.setting.nmsPackage.context)
  }

  /** Tells a client why NMS or an app did not admit it after all; NMS itself would just cut it. */
  private sayWhy(): void {
    if (!this.told) this.sendError(this.action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized', REFUSED)
    this.stop()
    this.socket.end()
    destroySoon(this.socket)
  }

  private readonly onTimeout = safely(() => this.socket.destroy(), () => {
    this.socket.destroy()
  })

  private readonly onClosed = safely(() => this.listener.closed(), () => {
    const { session, setting } = this
    setting.undo.delete(this.restore)
    this.stop()
    this.place?.end('left')
    if (!this.granted) forget(session, setting.nmsPackage.context)
    else if (session.isStarting) endAtNms(session, setting.nmsPackage.context)
    this.listener.closed()
  })

  private readonly restore = (): void => {
    const { session, socket } = this
    // NMS would raise events for a session that never got anything, so it ends as refused.
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
    this.putListenersBack()
  }
}

const text = (value: unknown): string => typeof value === 'string' ? value : ''
