import { randomBytes } from 'node:crypto'
import type { Action } from '../../access/request.js'
import { caught } from '../../safely.js'
import { trace } from '../../trace.js'
import type { HostListener } from '../host.js'
import { adoptFlv, destroyFlv, hasLeft, unplugFlv } from './flv-session.js'
import type { Setting } from './setting.js'
import { isFlv, isRtmp, type NmsFlvSession, type NmsRtmpSession, type NmsSession } from './shapes.js'

const debug = trace('nms')

/** Where a session's connection comes from, `address:port`. */
const addressOf = (session: NmsSession): string => {
  const { socket = (session as Partial<NmsFlvSession>).req?.socket } = session as Partial<NmsRtmpSession>
  return `${session.ip}:${socket?.remotePort ?? 0}`
}

/** Ends a session without a word, and without an event of NMS's. */
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

/** As NMS makes them, eight characters of this alphabet, but of a good random source and too many to be guessed. */
export const newSessionId = (): string => Array.from(randomBytes(24), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'[byte & 31]).join('')

/**
 * The backstop for whatever no gate thought of. Every way to a stream goes through a method of the two
 * session classes, or through the list of publishers, and these are wrapped: a session without a grant for
 * exactly this is dismissed before NMS has raised an event or written a byte.
 *
 * @returns a function that puts everything back
 */
export const installGuard = (setting: Setting, onIntruder: HostListener['onIntruder']): () => void => {
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

  for (const [method, action] of [['onPlay', 'play'], ['onPublish', 'publish']] as const) {
    wrap(rtmp.prototype, method, (original) => function (this: NmsRtmpSession, invoke) {
      if (grants.trusts(this) || grants.find(this, action) !== undefined) return original.call(this, invoke)
      refuse(this, action, `/${String(this.appname)}/${String(invoke.streamName)}`)
    })
  }
  // A listener of prePlay may have given the session another stream, which nobody was asked about.
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
      // A listener of NMS's events, or its check of signatures.
      caught(error, () => { dismiss(this, setting) })
    }
    if (this.isStarting && (this.isPlaying || this.isIdling)) place.begin(client)
    else place.end('refused')
  })

  const { publishers, sessions, idlePlayers } = context
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
    // The app's own prePublish has given the stream another name; it may.
    if (grant !== undefined && grant.streamPath !== streamPath) {
      debug('session %s: %s was allowed, and the app publishes it as %s', id, grant.streamPath, streamPath)
      grant.streamPath = streamPath
    }
    return nmsPublish(streamPath, id)
  }
  // NMS's ids come from Math.random(), and the backend was told another for HTTP.
  const nmsList = sessions.set.bind(sessions)
  sessions.set = (id, session) => {
    if (isFlv(session)) session.id = grants.find(session, 'play')?.admission.request.sessionId ?? id
    else if (isRtmp(session)) session.id = newSessionId()
    return nmsList(session.id, session)
  }

  return () => {
    delete (idlePlayers as Partial<typeof idlePlayers>).add
    delete (publishers as Partial<typeof publishers>).set
    delete (sessions as Partial<typeof sessions>).set
    while (undo.length > 0) undo.pop()?.()
  }
}
