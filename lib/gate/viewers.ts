import type { AccessRequest } from '../access/request.js'
import { deny, type Verdict } from '../access/verdict.js'
import { prefixKeys, sessionKey, type Family, type Identity } from '../hls/identity.js'
import { createOpenings } from '../hls/openings.js'
import { createSessions, type Session } from '../hls/sessions.js'
import { trace } from '../log.js'
import type { Host, HttpResponse, ViewerSession } from '../nms/host.js'
import { overloaded, type Door, type Release } from './door.js'
import { watchTransfer, type Transfer } from './transfer.js'

const debug = trace('hls')

/** One viewer of files who has been let in. */
export interface Viewer {
  /** What the backend was asked. */
  readonly request: AccessRequest
  readonly identity: Identity
  readonly family: Family
  readonly address: string
  session: ViewerSession | undefined
  transfers: Set<Transfer> | undefined
}

/** Which session a request for a file belongs to. */
export interface Belonging {
  readonly families: readonly [...Family[], Family]
  /** Of the canonical path, with its last `/`. */
  readonly directory: string
  readonly identity: Identity
}

/** What a request opens that belongs to no session. */
export interface Newcomer {
  readonly request: AccessRequest
  /** `address:port` */
  readonly address: string
}

/** What became of a request that had to wait. */
export type Admission =
  | { readonly session: Session<Viewer> }
  | { readonly verdict: Verdict }

/** The viewers of files: one session, one question and one verdict for all requests of each. */
export interface Viewers {
  /** The session that a request belongs to. */
  find(belonging: Belonging): Session<Viewer> | undefined
  /**
   * Waits for the verdict on the session that a request belongs to, opening it if nobody has.
   * `release` frees its place among the held, which it keeps until the backend has answered.
   * Resolves with `undefined` if the client has left.
   */
  admit(belonging: Belonging, newcomer: Newcomer, signal: AbortSignal, release: Release): Promise<Admission | undefined>
  /** Accounts for a response to a session's request, and keeps the session while it goes on. */
  serve(session: Session<Viewer>, res: HttpResponse): void
  /** Lets a session have another directory. */
  cover(session: Session<Viewer>, directory: string): void
  /** Ends all sessions; responses that run go on. */
  close(): void
  readonly size: number
}

export interface ViewersOptions {
  readonly door: Door
  readonly host: Host
  readonly hlsIdleMs: number
  readonly maxSessions: number
  readonly maxSessionsPerIp: number
  /** Whether an earlier allow of such a request still holds. */
  readonly remembers: (request: AccessRequest) => boolean
  /** The session was closed from outside: what was remembered of its verdict does not count any more. */
  readonly forget: (request: AccessRequest) => void
}

/** Keys of sessions that have become idle and are still known, at most. */
const MAX_LEFT = 20_000

export const createViewers = ({ door, host, remembers, forget, hlsIdleMs, maxSessions, maxSessionsPerIp }: ViewersOptions): Viewers => {
  const openings = createOpenings<Admission>()
  const sessions = createSessions<Viewer>({ maxSessions, maxSessionsPerIp, idleMs: hlsIdleMs, onIdle: (session) => left(session) })
  /**
   * Sessions that have become idle, by each of their keys, the first to go first. A viewer who
   * comes back to whichever of their directories while the backend's answer is remembered opens the
   * same again.
   */
  const gone = new Map<string, { viewer: Viewer, keys: readonly string[] }>()

  const left = (session: Session<Viewer>): void => {
    const { value, keys } = session
    account(session)
    value.session?.end()
    for (const key of keys) {
      gone.delete(key)
      gone.set(key, { viewer: { ...value, session: undefined, transfers: undefined }, keys })
    }
    for (const key of gone.keys()) {
      if (gone.size <= MAX_LEFT) break
      gone.delete(key)
    }
  }
  const account = ({ value }: Session<Viewer>): void => {
    for (const transfer of value.transfers ?? []) value.session?.sent(transfer.take())
  }
  const closed = (session: Session<Viewer>): void => {
    const { request, transfers } = session.value
    debug('session %s was closed', request.sessionId)
    account(session)
    sessions.remove(session)
    forget(request)
    for (const transfer of transfers ?? []) transfer.cut()
  }

  const openViewer = (viewer: Viewer, open: () => Session<Viewer>): Session<Viewer> | undefined => {
    const opened: { session?: Session<Viewer>, closed?: true } = {}
    viewer.session = host.openViewer(viewer.request, viewer.address, () => {
      opened.closed = true
      if (opened.session !== undefined) closed(opened.session)
    })
    if (opened.closed) {
      forget(viewer.request)
      return undefined
    }
    opened.session = open()
    return opened.session
  }
  /** Rejects only with what a listener of NMS's events has thrown. */
  const ask = async (viewer: Viewer, keys: readonly [string, ...string[]], signal: AbortSignal, release: Release): Promise<Admission> => {
    const place = sessions.reserve(viewer.request.ip)
    if (place === undefined) {
      release()
      const verdict = deny('overload', 'too many viewers')
      door.report(viewer.request, verdict)
      return { verdict }
    }
    try {
      const verdict = await door.decide(viewer.request, signal)
      for (const key of keys) gone.delete(key)
      if (!verdict.allowed) return { verdict }
      if (signal.aborted) return { verdict: overloaded }
      const session = openViewer(viewer, () => place.open(keys[0], viewer))
      if (session === undefined) return { verdict: deny('rule', 'closed by the server') }
      for (const key of keys) sessions.cover(session, key)
      debug('session %s of %s', viewer.request.sessionId, viewer.request.streamPath)
      return { session }
    } finally {
      place.free()
      release()
    }
  }

  const findBy = <T>({ families, directory, identity }: Belonging, find: (key: string) => T | undefined): T | undefined => {
    for (const family of families) {
      const found = find(sessionKey(family, directory, identity))
      if (found !== undefined) return found
    }
    if (!identity.query.includes('&')) return undefined
    for (const family of families) {
      for (const key of prefixKeys(family, directory, identity)) {
        const found = find(key)
        if (found !== undefined) return found
      }
    }
    return undefined
  }
  /** What a request would open: a session that has become idle again, or one of its own. */
  const toOpen = (belonging: Belonging, { request, address }: Newcomer): { viewer: Viewer, keys: readonly [string, ...string[]] } => {
    const { families, directory, identity } = belonging
    const before = gone.size === 0 ? undefined : findBy(belonging, (key) => gone.get(key))
    const [first, ...others] = before?.keys ?? []
    if (before !== undefined && first !== undefined && remembers(before.viewer.request)) {
      const { path, streamPath, protocol, query } = before.viewer.request
      return { viewer: { ...before.viewer, request: { ...request, path, streamPath, protocol, query }, address }, keys: [first, ...others] }
    }
    const family = families.at(-1) ?? families[0]
    return { viewer: { request, identity, family, address, session: undefined, transfers: undefined }, keys: [sessionKey(family, directory, identity)] }
  }
  /** `keep` is called when the place among the held becomes the question's own. */
  const enter = async (
    belonging: Belonging, newcomer: Newcomer, signal: AbortSignal, release: Release, keep: () => void
  ): Promise<Admission | undefined> => {
    const session = findBy(belonging, sessions.find)
    if (session !== undefined) return { session }
    const { viewer, keys } = toOpen(belonging, newcomer)
    const same = openings.find(keys[0])
    if (same !== undefined) return same.wait(signal)
    const shorter = findBy(belonging, openings.find)
    if (shorter !== undefined) {
      const admission = await shorter.wait(signal)
      // What is denied to a shorter query may be allowed to this one.
      return admission === undefined || 'session' in admission ? admission : enter(belonging, newcomer, signal, release, keep)
    }
    keep()
    return openings.begin(keys[0], (abandoned) => ask(viewer, keys, abandoned, release)).wait(signal)
  }

  return {
    find: (belonging) => findBy(belonging, sessions.find),
    async admit(belonging, newcomer, signal, release) {
      let kept = false
      try {
        return await enter(belonging, newcomer, signal, release, () => { kept = true })
      } finally {
        if (!kept) release()
      }
    },
    serve(session, res) {
      const { value } = session
      const transfers = value.transfers ??= new Set()
      const transfer = watchTransfer(res, () => {
        transfers.delete(transfer)
        if (transfers.size === 0) value.transfers = undefined
        if (!session.ended) value.session?.sent(transfer.take())
        sessions.done(session)
      })
      transfers.add(transfer)
      sessions.begin(session)
    },
    cover(session, directory) {
      const { family, identity } = session.value
      sessions.cover(session, sessionKey(family, directory, identity))
    },
    close: () => sessions.close(),
    get size() { return sessions.size }
  }
}
