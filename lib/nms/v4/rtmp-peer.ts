import type { Socket } from 'node:net'
import type { Admission } from '../../access/admission.js'
import type { Place } from '../../access/place.js'
import { destroySoon } from '../../farewell.js'
import { safely } from '../../safely.js'
import { LEFT_ANSWERS_UNREAD, LEFT_UNREAD, Unread } from '../common/unread.js'
import { destroy, silence } from './cut.js'
import type { Grants } from './grants.js'
import type { Limits, RtmpCommand, RtmpListener, RtmpPeer } from '../host.js'
import type { Closer } from './served.js'
import { GuardedParser } from './rtmp-parser.js'
import type { NmsContext, NmsInvoke, NmsRtmp, NmsRtmpSession } from './shapes.js'

/** What a peer depends on. */
export interface PeerSetting {
  readonly context: NmsContext
  readonly grants: Grants
  /** Receives a function that hands the session back to NMS unchanged. */
  readonly undo: Set<() => void>
}

/**
 * Takes an RTMP session out of NMS's hands: its bytes only go through `feed`; `play` and `publish` stop at the listener
 * before NMS answers; only the owner of a publisher slot can broadcast; `close()` really closes; and a session that was
 * never granted anything disappears without `donePlay`.
 *
 * @param granted - whether the session ran before the plugin was attached
 */
export const adoptRtmp = (session: NmsRtmpSession, setting: PeerSetting, granted: boolean, listener: RtmpListener): RtmpPeer =>
  new AdoptedRtmp(session, setting, granted, listener)

/** A class, because thousands may be held and each function property costs 64 bytes. */
class AdoptedRtmp implements RtmpPeer, Closer {
  readonly id: string
  readonly socket: Socket
  private heldAt: NmsInvoke | undefined
  private action: RtmpCommand['action'] = 'play'
  private place: Place | undefined
  /** The stream id of its `play` or `publish`; the message being parsed may be a different one later. */
  private streamId = 0
  /** Its last play has ended; it has no stream now. */
  private ended = false
  private unread: Unread | undefined
  private onFirstMedia: (() => void) | undefined
  private readonly parser: GuardedParser
  private readonly nmsOnPacket: NmsRtmp['onPacketCallback']
  private readonly nmsClose: NmsRtmpSession['close']
  private readonly nmsSendBuffer: NmsRtmpSession['sendBuffer']

  constructor(
    private readonly session: NmsRtmpSession, private readonly setting: PeerSetting, private granted: boolean, private readonly listener: RtmpListener
  ) {
    const { id, socket, rtmp } = session
    this.id = id
    this.socket = socket
    this.nmsOnPacket = rtmp.onPacketCallback
    this.nmsClose = session.close
    this.nmsSendBuffer = session.sendBuffer
    this.parser = new GuardedParser(rtmp)
    rtmp.onPlay = (invoke) => this.stopAt('play', invoke)
    rtmp.onPublish = (invoke) => this.stopAt('publish', invoke)
    rtmp.onDeleteStream = ({ streamId }) => this.endPlay(streamId)
    this.parser.onCloseStream = (streamId) => this.endPlay(streamId)
    rtmp.onPacketCallback = (packet) => {
      if (session.broadcast?.publisher === session) this.nmsOnPacket(packet)
    }
    session.close = () => this.close()
    socket.off('data', session.onData)
    socket.off('close', session.onClose)
    socket.on('close', this.onClosed)
    setting.undo.add(this.restore)
  }

  feed(bytes: Buffer): void {
    this.session.inBytes += bytes.length
    this.setting.context.networkStats.inBytes += bytes.length
    const { writableLength } = this.socket
    this.parser.feed(bytes)
    if (this.unread?.answersExceed(writableLength, this.socket.writableLength) === true) this.overflow(LEFT_ANSWERS_UNREAD)
    else this.checkUnread()
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
    const { heldAt, action, session: { rtmp } } = this
    this.granted = true
    this.place = admission.place
    this.heldAt = undefined
    this.setting.grants.give(this.session, { admission, closer: this })
    if (heldAt === undefined) return
    this.renew()
    const [, app, name = ''] = admission.request.streamPath.split('/')
    rtmp.streamApp = app
    // NMS drops everything after a second "?".
    const query = admission.request.query.replaceAll('?', '%3F')
    const invoke = { ...heldAt, streamName: query === '' ? name : `${name}?${query}` }
    if (action === 'publish') {
      this.unread = new Unread(this.socket.writableLength)
      return this.publish(invoke)
    }
    this.session.sendBuffer = this.sendBuffer
    commandsOf(rtmp).onPlay.call(rtmp, invoke)
    this.unread = new Unread(this.socket.writableLength)
  }

  /** NMS tells the publisher to start before it checks whether somebody else already publishes. */
  private publish(invoke: NmsInvoke): void {
    const { session, session: { rtmp } } = this
    rtmp.respondPublish = () => undefined
    try {
      commandsOf(rtmp).onPublish.call(rtmp, invoke)
    } finally {
      delete (rtmp as Partial<NmsRtmp>).respondPublish
    }
    if (session.broadcast?.publisher === session && this.socket.writable) rtmp.respondPublish()
  }

  refused(error: string): void {
    const { rtmp } = this.session
    if (this.action === 'play') return rtmp.sendStatusMessage(this.streamId, 'error', 'NetStream.Play.Failed', 'the server refused the stream')
    const taken = error.includes('already has a publisher')
    rtmp.sendStatusMessage(this.streamId, 'error', taken ? 'NetStream.Publish.BadName' : 'NetStream.Publish.Unauthorized', taken ? 'somebody publishes this stream already' : 'the server refused the stream')
  }

  /** The client ends its play but keeps the connection: NMS would go on sending, and raises no event. */
  private endPlay(streamId: unknown): void {
    const { session } = this
    if (!this.granted || this.action !== 'play' || this.heldAt !== undefined || streamId !== this.streamId) return
    this.granted = false
    this.ended = true
    this.place?.end('left')
    this.place = undefined
    session.broadcast?.donePlay(session)
    this.listener.playEnded()
  }

  /** A further play on the same connection is a session of its own, with the same id. */
  private renew(): void {
    if (!this.ended) return
    Object.assign(this.session, { createTime: Date.now(), endTime: 0, inBytes: 0, outBytes: 0 })
    this.ended = false
  }

  sendError(code: string, description: string): void {
    const { rtmp } = this.session
    rtmp.sendStatusMessage(rtmp.parserPacket.header.stream_id, 'error', code, description)
  }

  afterFirstMedia(listener: () => void): void {
    if (this.session.outBytes > 0) listener()
    else this.onFirstMedia = listener
  }

  private readonly sendBuffer = (buffer: Buffer): void => {
    this.nmsSendBuffer(buffer)
    if (this.onFirstMedia !== undefined) {
      this.onFirstMedia()
      this.onFirstMedia = undefined
    }
    this.checkUnread()
  }

  /** Checks for media that the client does not read. */
  private checkUnread(): void {
    if (this.unread?.exceeds(this.socket.writableLength) === true) this.overflow(LEFT_UNREAD)
  }

  private overflow(detail: string): void {
    this.unread = undefined
    this.place?.end('overflow', detail)
    destroy(this.session)
  }

  private stopAt(action: RtmpCommand['action'], invoke: NmsInvoke): void {
    const { connectCmdObj, parserPacket } = this.session.rtmp
    this.action = action
    this.heldAt = invoke
    this.streamId = parserPacket.header.stream_id
    this.listener.command({
      action, app: text(connectCmdObj?.app), name: text(invoke.streamName), tcUrl: text(connectCmdObj?.tcUrl), flashVer: text(connectCmdObj?.flashVer)
    })
  }

  /** Closes the session; its viewer is told why first, and gets nothing more that could hide the message. */
  close(message?: string): void {
    const { session, place, streamId, action } = this
    this.stop()
    // Held or undecided: a later verdict must not let it in.
    if (!this.granted) this.listener.closed()
    place?.end('closed')
    silence(session)
    if (message !== undefined) {
      session.rtmp.sendStatusMessage(streamId, 'error', action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized', message)
    }
    this.nmsClose()
    destroySoon(this.socket)
  }

  private readonly onClosed = safely(() => this.listener.closed(), () => {
    const { session, setting } = this
    setting.undo.delete(this.restore)
    this.parser.release()
    silence(session)
    this.place?.end('left')
    if (this.granted) session.onClose()
    else setting.context.sessions.delete(session.id)
    this.listener.closed()
  })

  private readonly restore = (): void => {
    const { session, socket } = this
    // NMS would raise donePlay for a session that never got anything, so it ends as refused.
    if (!this.granted) {
      this.stop()
      socket.end()
      destroySoon(socket)
      return
    }
    this.listener.released()
    this.parser.restore()
    for (const own of COMMANDS) delete (session.rtmp as Partial<NmsRtmp>)[own]
    session.rtmp.onPacketCallback = this.nmsOnPacket
    session.close = this.nmsClose
    session.sendBuffer = this.nmsSendBuffer
    socket.off('close', this.onClosed)
    /* eslint-disable safely/callbacks -- they are NMS's own, put back as they were */
    socket.on('close', session.onClose)
    socket.on('data', session.onData)
    /* eslint-enable safely/callbacks */
  }
}

/** NMS's own command handlers, on the parser's prototype. */
const COMMANDS = ['onPlay', 'onPublish', 'onDeleteStream'] as const
const commandsOf = (rtmp: NmsRtmp): Pick<NmsRtmp, typeof COMMANDS[number]> => Object.getPrototypeOf(rtmp) as NmsRtmp

const text = (value: unknown): string => typeof value === 'string' ? value : ''
