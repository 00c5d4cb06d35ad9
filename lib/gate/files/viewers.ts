import type { LeaveSignal } from '../../access/departure.js'
import { MAX_ANSWERS, MAX_TEXTS_BYTES } from '../../access/bounds.js'
import type { Claim, Place } from '../../access/place.js'
import { marksOf } from '../../access/identity.js'
import type { AccessRequest } from '../../access/request.js'
import type { Settings } from '../../access/settings.js'
import { deny, type Verdict } from '../../access/verdict.js'
import { createEnded } from '../../hls/ended.js'
import { hasPrefixes, prefixKeys, sessionKey, viewerQuery, type Family, type Identity } from '../../hls/identity.js'
import { createOpenings } from '../../hls/openings.js'
import { createSessions, type Session } from '../../hls/sessions.js'
import { createTexts } from '../../hls/texts.js'
import { directoryOf } from '../../hls/stream-pattern.js'
import { trace } from '../../trace.js'
import type { Host, HttpResponse, ViewerOwner, ViewerSession } from '../../nms/host.js'
import { overloaded, type Door } from '../door/door.js'
import type { Release } from '../door/slots.js'
import { Transfer } from './transfer.js'

const debug = trace('hls')

/** How long the requests of a session that was ended for another are put off, in milliseconds. */
const TOO_SOON_MS = 1000
/** A viewer of live HLS is gone after this long, where no playlist says how long its segments are, in milliseconds. */
const GONE_MS = 10_000
/** What is served by these was there. */
const SERVED = new Set([200, 206, 304])

/** One viewer of files who has been let in. */
export interface Viewer {
  /** As NMS lists it, with what the backend was asked. */
  readonly nms: ViewerSession
  /** What its playlists carry. */
  readonly query: string
  /** Responses that are being sent. */
  transfers: Set<Transfer> | undefined
  /** Longer queries by which requests of it came. */
  otherQueries: Set<string> | undefined
  /** What it keeps of its client's bytes. */
  readonly texts: ReturnType<typeof textsOf>
  readonly place: Place
  /** After so long without a request it counts as gone, in milliseconds. */
  goneAfterMs: number
  /** Whether anything that it asked for was there. */
  served: boolean
}

/** All of a client's bytes that its session keeps. */
const textsOf = ({ ip, path, origin, userAgent, query, streamPath }: AccessRequest, address: string) =>
  ({ ip, path, origin, userAgent, query, streamPath, address, ownQuery: viewerQuery(query) })

/** Which session a request for a file belongs to. */
export interface Belonging {
  readonly families: readonly [...Family[], Family]
  /** Of the canonical path, with its last `/`. */
  readonly directory: string
  readonly identity: Identity
  /** As the client wrote it. */
  readonly query: string
}

/** What a request opens that belongs to no session. */
export interface Newcomer {
  readonly request: AccessRequest
  /** `address:port` */
  readonly address: string
  readonly claim: Claim
}

/** What became of a request that had to wait. */
export type Outcome =
  | { readonly session: Session<Viewer> }
  | { readonly refused: Verdict }
  /** Its session was ended for another just now: what comes first may be late requests of the old one. */
  | { readonly tooSoon: true }

/** The viewers of files: one session, one question and one verdict for all requests of each. */
export interface Viewers {
  /** The session that a request belongs to. */
  find(belonging: Belonging): Session<Viewer> | undefined
  /**
   * Waits for the verdict on the session that a request belongs to, opening it if nobody has.
   * `slot` frees its slot among the held, which it keeps until the backend has answered.
   * Resolves with `undefined` if the client has left.
   */
  admit(belonging: Belonging, newcomer: Newcomer, signal: LeaveSignal, slot: Release): Promise<Outcome | undefined>
  /**
   * Accounts for a response to a session's request, and keeps the session while it goes on. False if
   * too many are being sent.
   */
  serve(session: Session<Viewer>, res: HttpResponse): boolean
  /**
   * A session is sent a playlist that names these directories now; the same array for the same version. What it returns
   * must be waited for before the playlist is sent.
   */
  cover(session: Session<Viewer>, playlist: string, directories: readonly string[]): Promise<unknown> | undefined
  /**
   * Whether a session plays a recording, so that it may pause for longer.
   * @param targetMs - the longest that one of its segments may be; 0 if that is not known
   */
  linger(session: Session<Viewer>, long: boolean, targetMs: number): void
  /** Takes the session's place of its user's limit, if it has none; a denial if there is none. */
  take(session: Session<Viewer>, claim: Claim): Verdict | undefined
  /**
   * All requests that a session stood for which has been closed: for each of its directories and queries
   * the backend may have been asked before, and its answer be remembered.
   */
  aliases(request: AccessRequest): readonly AccessRequest[]
  /** Ends all sessions; responses that run go on. */
  close(): void
  readonly size: number
}

export interface ViewersOptions {
  readonly door: Door
  readonly host: Host
  /** Read at each use: a reload may change them. */
  readonly limits: Pick<Settings, 'hlsIdleMs' | 'maxSessions' | 'maxSessionsPerIp'> & { readonly files: Pick<Settings['files'], 'vodIdleMs'> }
  /** Whether an earlier allow of such a request still holds. */
  readonly remembers: (request: AccessRequest) => boolean
  /** What other servers remember, if there are any. */
  readonly shared?: SharedViewers | undefined
  /** Bytes of all texts that sessions keep. */
  readonly maxTextsBytes?: number
}

/** What the servers of a fleet tell each other about viewers. */
export interface SharedViewers {
  /** The allow that covers a request, by any of the keys. */
  recall(request: AccessRequest, keys: readonly string[]): Promise<Recalled | undefined>
  /** A request takes the place of the one that was looked up. */
  stand(request: AccessRequest, recalled: Recalled): void
  /** Adds keys to an allow that is remembered. */
  cover(request: AccessRequest, keys: readonly string[]): Promise<unknown>
}
interface Recalled {
  readonly allow?: { readonly request: Pick<AccessRequest, 'path' | 'streamPath' | 'protocol' | 'query'>, readonly by: string }
}

/** What a session is, or was, opened for, and all that it covers. */
interface Opened {
  readonly request: AccessRequest
  readonly key: string
  /** Other directories by their keys. */
  readonly moreKeys: ReadonlyMap<string, string>
}

/** About as many bytes as a request keeps. */
const lengthOf = ({ ip, path, origin, userAgent, query, streamPath }: AccessRequest): number =>
  ip.length + path.length + origin.length + userAgent.length + query.length + streamPath.length

const NO_KEYS: ReadonlyMap<string, string> = new Map()

/** Other queries of a session that are kept: a player has some, such as a token that it appends twice. */
const MAX_QUERIES = 16

/** The key of the directory of a request's path. */
const keyOf = (request: AccessRequest): string =>
  sessionKey(request.protocol === 'hls' ? 'hls' : 'file', directoryOf(request.path), { ...marksOf(request), query: viewerQuery(request.query) })

export const createViewers = (options: ViewersOptions): Viewers => {
  const { door, host, remembers, shared, limits } = options
  const openings = createOpenings<Outcome>()
  const sessions = createSessions<Viewer>({
    get maxSessions() { return limits.maxSessions },
    get maxSessionsPerIp() { return limits.maxSessionsPerIp },
    get idleMs() { return limits.hlsIdleMs },
    get vodIdleMs() { return limits.files.vodIdleMs },
    onIdle: (session) => leaves(session)
  })
  /**
   * Sessions that have become idle. A viewer who comes back to whichever of their directories while
   * the backend's answer is remembered opens the same again.
   */
  const gone = createEnded<Opened>(({ request }) => remembers(request), undefined, ({ request }) => lengthOf(request))
  const texts = createTexts(options.maxTextsBytes ?? MAX_TEXTS_BYTES)
  /** Sessions that were ended for another of their user less than a second ago. */
  const replaced = createEnded<{ readonly place: Place, readonly until: number }>(({ until }) => until > performance.now())

  const aliases = new WeakMap<AccessRequest, readonly AccessRequest[]>()
  const aliasesOf = ({ value: { nms: { request }, otherQueries }, moreKeys }: Session<Viewer>): readonly AccessRequest[] =>
    [request.path, ...moreKeys.values()].flatMap((path) => [request.query, ...otherQueries ?? []].map((query) => ({ ...request, path, query })))

  /** Gives back all of a client's bytes that its session keeps. */
  const drop = ({ value: { texts: own, otherQueries } }: Session<Viewer>): void => {
    texts.free(own)
    for (const query of otherQueries ?? []) texts.free({ query })
  }
  const account = ({ value }: Session<Viewer>): void => {
    for (const transfer of value.transfers ?? []) value.nms.sent(transfer.take())
  }
  const leaves = (session: Session<Viewer>): void => {
    account(session)
    session.value.nms.end('idle')
    const { key, moreKeys, value: { nms: { request } } } = session
    gone.add([key, ...moreKeys.keys()], { request, key, moreKeys })
    drop(session)
  }
  /** Somebody (the admin API, `notify.url`, a listener of `prePlay`) ends a session. */
  const closed = (nms: ViewerSession): void => {
    debug('session %s was closed', nms.id)
    const session = sessionOf(nms)
    if (session === undefined) return
    account(session)
    aliases.set(nms.request, aliasesOf(session))
    sessions.remove(session)
    drop(session)
    if (session.value.place.endReason === 'limit') replaced.add([session.key, ...session.moreKeys.keys()], { place: session.value.place, until: performance.now() + TOO_SOON_MS })
    for (const transfer of session.value.transfers ?? []) transfer.cut()
  }
  const sessionOf = (nms: ViewerSession): Session<Viewer> | undefined => {
    const session = sessions.find(keyOf(nms.request))
    return session?.value.nms === nms ? session : undefined
  }
  const owner: ViewerOwner = {
    closed,
    quietMs: (nms) => { const session = sessionOf(nms); return session === undefined ? Infinity : sessions.quietMs(session) },
    goneAfterMs: (nms) => sessionOf(nms)?.value.goneAfterMs ?? 0
  }
  /** Rejects only with what a listener of NMS's events has thrown. */
  const ask = async ({ request, key, moreKeys }: Opened, { address, claim }: Pick<Newcomer, 'address' | 'claim'>, signal: LeaveSignal, slot: Release): Promise<Outcome> => {
    const place = sessions.reserve(request.ip)
    const kept = place && texts.take(textsOf(request, address))
    if (place === undefined || kept === undefined) {
      place?.free()
      slot()
      return { refused: door.refuse(request, deny('overload', place === undefined ? 'too many viewers' : 'too much is kept of the viewers')) }
    }
    let opened = false
    try {
      const decision = await door.admit({ asked: request }, signal, slot, claim)
      for (const each of [key, ...moreKeys.keys()]) gone.forget(each)
      // Nobody waits for it any more.
      if (decision === undefined) return { refused: overloaded }
      if ('refused' in decision) return decision
      const { address: ownAddress, ownQuery, ...own } = kept
      const nms = host.openViewer({ ...decision.admission, request: { ...request, ...own } }, ownAddress, owner)
      if (nms.ended) return { refused: deny('rule', 'closed by the server') }
      const session = place.open(key, {
        nms, query: ownQuery, transfers: undefined, texts: kept, otherQueries: undefined, place: decision.admission.place, served: false,
        goneAfterMs: request.protocol === 'hls' ? GONE_MS : limits.files.vodIdleMs
      }, moreKeys)
      opened = true
      sessions.linger(session, request.protocol === 'file')
      await tell(session, [key, ...moreKeys.keys()])
      debug('session %s of %s', request.sessionId, request.streamPath)
      return { session }
    } finally {
      place.free()
      if (!opened) texts.free(kept)
    }
  }

  /** Tells other servers by which keys a session that is remembered may be asked for; a promise only where there is something to tell. */
  const tell = ({ value }: Session<Viewer>, keys: readonly string[]): Promise<unknown> | undefined =>
    shared === undefined || keys.length === 0 || !remembers(value.nms.request) ? undefined : shared.cover(value.nms.request, keys)

  /** The keys of all sessions to which a request may belong, the most likely first. */
  const keysOf = ({ families, directory, identity }: Belonging): string[] => [
    ...families.map((family) => sessionKey(family, directory, identity)),
    ...families.flatMap((family) => [...prefixKeys(family, directory, identity)])
  ]
  const findBy = <T>({ families, directory, identity }: Belonging, find: (key: string) => T | undefined): T | undefined => {
    for (const family of families) {
      const found = find(sessionKey(family, directory, identity))
      if (found !== undefined) return found
    }
    if (!hasPrefixes(identity)) return undefined
    for (const family of families) {
      for (const key of prefixKeys(family, directory, identity)) {
        const found = find(key)
        if (found !== undefined) return found
      }
    }
    return undefined
  }
  /** What a request would open: a session that has become idle again, or one of its own. */
  const toOpen = (belonging: Belonging, request: AccessRequest): Opened => {
    const before = gone.size === 0 ? undefined : findBy(belonging, gone.find)
    if (before === undefined) return { request, key: keyOf(request), moreKeys: NO_KEYS }
    const { path, streamPath, protocol, query } = before.request
    return { request: { ...request, path, streamPath, protocol, query }, key: before.key, moreKeys: before.moreKeys }
  }
  /** Opens what a request asks for: a session of its own, or the one that another server has let in. */
  const open = async (belonging: Belonging, opened: Opened, newcomer: Pick<Newcomer, 'address' | 'claim'>, signal: LeaveSignal, slot: Release): Promise<Outcome> => {
    const { key: own } = opened
    const recalled = shared === undefined || remembers(opened.request) ? undefined : await shared.recall(opened.request, keysOf(belonging))
    if (shared === undefined || recalled?.allow === undefined) return ask(opened, newcomer, signal, slot)
    const request = { ...opened.request, ...recalled.allow.request }
    const key = keyOf(request)
    const moreKeys = new Map([[own, opened.request.path], [recalled.allow.by, belonging.directory]])
    shared.stand(request, recalled)
    if (key === own) return ask({ request, key, moreKeys: NO_KEYS }, newcomer, signal, slot)
    const running = sessions.find(key)
    const same = openings.find(key)
    if (running !== undefined || same !== undefined) slot()
    const outcome = running !== undefined
      ? { session: running }
      : await (same ?? openings.begin(key, (abandoned) => ask({ request, key, moreKeys }, newcomer, abandoned, slot))).wait(signal)
    if (outcome === undefined) return { refused: overloaded }
    if ('session' in outcome) sessions.restore(outcome.session, moreKeys)
    return outcome
  }
  /** `keep` is called when the slot among the held becomes the question's own. */
  const enter = async (
    belonging: Belonging, newcomer: Newcomer, signal: LeaveSignal, slot: Release, keep: () => void
  ): Promise<Outcome | undefined> => {
    const session = findBy(belonging, sessions.find)
    if (session !== undefined) return { session }
    if (signal.aborted) return undefined
    const before = replaced.size === 0 ? undefined : findBy(belonging, replaced.find)
    if (before !== undefined) {
      if (newcomer.claim === 'any') before.place.asksOn()
      return { tooSoon: true }
    }
    const opened = toOpen(belonging, newcomer.request)
    const { key } = opened
    const same = openings.find(key)
    if (same !== undefined) return same.wait(signal)
    const shorter = findBy(belonging, openings.find)
    if (shorter !== undefined) {
      const outcome = await shorter.wait(signal)
      // What is denied to a shorter query may be allowed to this one.
      return outcome === undefined || !('refused' in outcome) ? outcome : enter(belonging, newcomer, signal, slot, keep)
    }
    keep()
    return openings.begin(key, (abandoned) => open(belonging, opened, newcomer, abandoned, slot)).wait(signal)
  }

  return {
    find(belonging) {
      const session = findBy(belonging, sessions.find)
      if (session !== undefined && session.value.nms.request.query !== belonging.query) {
        const others = session.value.otherQueries ??= new Set()
        const kept = others.size < MAX_QUERIES && !others.has(belonging.query) ? texts.take({ query: belonging.query }) : undefined
        if (kept !== undefined) others.add(kept.query)
      }
      return session
    },
    async admit(belonging, newcomer, signal, slot) {
      let kept = false
      try {
        return await enter(belonging, newcomer, signal, slot, () => { kept = true })
      } finally {
        if (!kept) slot()
      }
    },
    take: ({ value }, claim) => claim === 'none' ? undefined : value.place.take(claim === 'any'),
    serve(session, res) {
      const { value } = session
      const transfers = value.transfers ??= new Set()
      if (transfers.size >= MAX_ANSWERS) return false
      const transfer = new Transfer(res, () => {
        transfers.delete(transfer)
        if (transfers.size === 0) value.transfers = undefined
        if (!value.served) {
          if (SERVED.has(res.statusCode)) value.served = res.req.method !== 'HEAD'
          else if (transfers.size === 0) value.place.giveBack()
        }
        if (!session.ended) value.nms.sent(transfer.take())
        sessions.done(session)
      })
      transfers.add(transfer)
      sessions.begin(session)
      return true
    },
    cover(session, playlist, directories) {
      const { request } = session.value.nms
      if (session.moreKeys.size === 0 && directories.length === 1 && directories[0] === directoryOf(request.path)) return undefined
      const before = shared && new Set(session.moreKeys.keys())
      sessions.cover(session, playlist, directories, (directory) => keyOf({ ...request, path: directory }))
      return before && tell(session, [...session.moreKeys.keys()].filter((key) => !before.has(key)))
    },
    aliases: (request) => aliases.get(request) ?? [request],
    linger(session, long, targetMs) {
      session.value.goneAfterMs = long ? limits.files.vodIdleMs : targetMs > 0 ? 3 * targetMs : GONE_MS
      sessions.linger(session, long)
    },
    close: () => sessions.close(),
    get size() { return sessions.size }
  }
}
