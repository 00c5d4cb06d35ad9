import { randomBytes } from 'node:crypto'
import type { Action } from '../../access/request.js'
import { caught } from '../../safely.js'
import { trace } from '../../trace.js'
import type { HostListener } from '../host.js'
import { adoptFlv, destroyFlv, hasLeft, unplugFlv } from './flv-session.js'
import type { Setting } from './setting.js'
import { isFlv, isRtmp, type NmsFlvSession, type NmsRtmpSession, type NmsSession } from './shapes.js'

const debug = trace('nms')

/** The `address:port` a session's connection comes from. */
const addressOf = (session: NmsSession): string => {
  const { socket = (session as Partial<NmsFlvSession>).req?.socket } = session as Partial<NmsRtmpSession>
  return `${session.ip}:${socket?.remotePort ?? 0}`
}

/** Ends a session silently, without an NMS event. */
export const dismiss = (session: NmsSession, { nmsPackage: { context } }: Setting): void => {
  session.isStarting = false
  context.sessions.delete(session.id)
  context.idlePlayers.delete(session.id)
  if (isRtmp(session)) {
    if (session.pingInterval !== null) clearInterval(session.pingInterval)
    session.socket.destroy()
  } else if (isFlv(session)) {
    unplugFlv(session)
    destroyFlv(session)
  }
}

/**
 * Uses the alphabet of NMS's own ids, but with 24 characters instead of eight and from a secure random source, so that
 * ids cannot be guessed.
 */
export const newSessionId = (): string => Array.from(randomBytes(24), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'[byte & 31]).join('')

/**
 * The backstop for anything the gates missed. Every way to a stream goes through a method of the two session classes,
 * or through the list of publishers, and these are wrapped: a session without a grant for exactly this action and
 * stream is dismissed before NMS has raised an event or written a byte.
 *
 * @returns a function that restores everything
 */
export const installGuard = (setting: Setting, { onIntruder, takesOver }: Pick<HostListener, 'onIntruder' | 'takesOver'>): () => void => {
  const { grants, nmsPackage: { context, rtmp, flv } } = setting
  const undo: (() => void)[] = []

  const refuse = (session: NmsSession, action: Action, streamPath: string): void => {
    onIntruder({ id: session.id, ip: addressOf(session), streamPath }, action, 'guard')
    dismiss(session, setting)
  }
  const wrap = <T extends object, K extends keyof T>(prototype: T, method: K, make: (original: T[K]) => T[K]): void => {
    const original = prototype[method]
    prototype[method] = make(original)
    undo.push(() => { prototype[method] = original })
  }
  const plays = (session: NmsSession): boolean =>
    grants.trusts(session) || grants.find(session, 'play')?.streamPath === session.playStreamPath

  /** Publishers that NMS is admitting now; there can be several, if one connects inside the `prePublish` of another. */
  const beginning: NmsRtmpSession[] = []
  for (const [method, action] of [['onPlay', 'play'], ['onPublish', 'publish']] as const) {
    wrap(rtmp.prototype, method, (original) => function (this: NmsRtmpSession, invoke) {
      if (!grants.trusts(this) && grants.find(this, action) === undefined) {
        return refuse(this, action, `/${String(this.appname)}/${String(invoke.streamName)}`)
      }
      if (action === 'publish') beginning.push(this)
      try {
        original.call(this, invoke)
      } finally {
        if (action === 'publish') beginning.pop()
      }
    })
  }
  const { publishers, sessions, idlePlayers } = context
  /** An encoder that reconnects before its old connection has died gets its stream back, with the players. */
  const makeRoom = (streamPath: string): void => {
    const newcomer = beginning.at(-1)
    const running = sessions.get(publishers.get(streamPath) ?? '')
    if (newcomer?.publishStreamPath !== streamPath || newcomer.isPublishing || running === undefined || running === newcomer || !isRtmp(running)) return
    const [theirs, own] = [running, newcomer].map((session) => grants.find(session, 'publish')?.admission)
    if (theirs === undefined || own === undefined || !takesOver(theirs.request, own.request)) return
    theirs.place.replacedBy(own.request)
    for (const id of running.players) newcomer.players.add(id)
    running.players.clear()
    running.stop()
  }
  // After `prePublish` and its own check, NMS looks here for an existing publisher.
  const nmsHas = publishers.has.bind(publishers)
  publishers.has = (streamPath) => {
    makeRoom(streamPath)
    return nmsHas(streamPath)
  }
  // A listener of prePlay may have switched the session to another stream, for which nobody was asked.
  for (const { prototype } of [rtmp, flv] as { prototype: NmsRtmpSession | NmsFlvSession }[]) {
    wrap(prototype, 'onStartPlay', (original) => function (this: NmsSession) {
      if (plays(this)) return original.call(this as never)
      refuse(this, 'play', this.playStreamPath)
    })
  }
  wrap(flv.prototype, 'run', (original) => function (this: NmsFlvSession) {
    const grant = grants.find(this, 'play')
    if (grant === undefined) return refuse(this, 'play', this.req.url ?? '')
    if (hasLeft(this)) {
      grant.admission.place.end('left')
      return dismiss(this, setting)
    }
    const address = grant.address ?? addressOf(this)
    const client = adoptFlv(this, grant, setting, address)
    const { place } = grant.admission
    this.ip = address.slice(0, address.lastIndexOf(':'))
    try {
      original.call(this)
    } catch (error) {
      // Thrown by a listener of an NMS event, or by NMS's check of signatures.
      caught(error, () => { dismiss(this, setting) })
    }
    if (this.isStarting && (this.isPlaying || this.isIdling)) place.begin(client)
    else place.end('refused')
  })

  const nmsAdd = idlePlayers.add.bind(idlePlayers)
  idlePlayers.add = (id) => {
    const session = sessions.get(id)
    if (session === undefined || plays(session)) return nmsAdd(id)
    refuse(session, 'play', session.playStreamPath)
    return idlePlayers
  }
  const nmsPublish = publishers.set.bind(publishers)
  publishers.set = (streamPath, id) => {
    const session = sessions.get(id)
    const grant = session && grants.find(session, 'publish')
    if (session !== undefined && grant === undefined && !grants.trusts(session)) {
      refuse(session, 'publish', streamPath)
      throw new Error(`publish of ${streamPath} was not authorized`)
    }
    // The app's own prePublish may rename the stream.
    if (grant !== undefined && grant.streamPath !== streamPath) {
      debug('session %s: %s was allowed, and the app publishes it as %s', id, grant.streamPath, streamPath)
      grant.streamPath = streamPath
    }
    return nmsPublish(streamPath, id)
  }
  // NMS's ids come from Math.random(), and for HTTP the backend was told a different one.
  const nmsList = sessions.set.bind(sessions)
  sessions.set = (id, session) => {
    if (isFlv(session)) session.id = grants.find(session, 'play')?.admission.request.sessionId ?? id
    else if (isRtmp(session)) session.id = newSessionId()
    return nmsList(session.id, session)
  }

  return () => {
    delete (idlePlayers as Partial<typeof idlePlayers>).add
    delete (publishers as Partial<typeof publishers>).set
    delete (publishers as Partial<typeof publishers>).has
    delete (sessions as Partial<typeof sessions>).set
    while (undo.length > 0) undo.pop()?.()
  }
}
