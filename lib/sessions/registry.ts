import type { Claim, EndReason, Place } from '../access/place.js'
import type { AccessRequest } from '../access/request.js'
import type { Entered } from './leases.js'
import type { Store } from './store.js'
import type { LimitSettings } from '../access/settings.js'
import type { Verdict } from '../access/verdict.js'
import { requestKey } from '../policy/request-key.js'
import type { LimitAction } from './limit-action.js'
import { createLimits } from './limits.js'
import { isFile } from './occupancy.js'
import { createUserOf, type UserOf } from './users.js'
import { Session, type Register } from './session.js'
import type { SessionRecord } from './record.js'

/** Gets begins and ends. Exceptions reach the host: wrap a watcher that may throw. */
export interface SessionWatcher {
  begin?(session: Session): void
  /** Called exactly once for each session that began; `endReason` says why it ended. */
  end?(session: Session): void
  /** NMS or the client gave up before the begin: there was an allow, but no session. */
  released?(session: Session, reason: EndReason): void
}

/** Selects sessions. */
export type Selector = { readonly id: string } | { readonly user: string }

/** Every admitted client that is still connected, over every protocol. There is no second list. */
export interface Registry {
  /** Only for the door: refuses a request that is kept out, before anybody is asked. */
  refuse(request: AccessRequest): Verdict | undefined
  /**
   * Only for the door, before `reserve`: a place on all servers, or a denial, if they have to be waited for. Pass the
   * place to `reserve`, or release it.
   */
  enter(request: AccessRequest, verdict: Verdict, claim?: Claim): Promise<Entered | Verdict | undefined> | undefined
  /** Only for the door: the place of an admitted client; a denial if its user may have no more sessions. */
  reserve(request: AccessRequest, verdict: Verdict, claim?: Claim, entered?: Entered): Place | Verdict
  /** Keeps a request out, by its key, whether its user has a free place or not. */
  bar(requestKey: string, forMs: number): void
  /** Whether a request is kept out like that. */
  isBarred(request: AccessRequest): boolean
  /** Running sessions, oldest first. */
  [Symbol.iterator](): Iterator<Session>
  list(): SessionRecord[]
  /** Ends the selected sessions; returns how many there were. */
  end(which: Selector, reason: EndReason, order?: EndOrder): number
  /** Ends every session in the registry; their streams go on. */
  close(reason: 'detached' | 'stopped'): void
  /** @returns a function that removes the watcher */
  watch(watcher: SessionWatcher): () => void
  readonly size: number
  /** Users being counted because some have a limit. */
  readonly counted: number
}

/** How to end sessions. */
export interface EndOrder {
  /** What their viewers read. */
  readonly message?: string | undefined
  /** How long the same request is refused, in milliseconds. */
  readonly barMs?: number | undefined
}

export interface RegistryOptions {
  /** In force now; `false`: nothing is counted. */
  readonly limits: () => LimitSettings | false
  readonly onLimit: (action: LimitAction) => void
  /** A user came from many addresses, so its id may be shared by many people. */
  readonly onManyAddresses: (user: string) => void
  /** Time of a session's next re-check, in milliseconds since 1970. */
  readonly nextCheckAt?: (session: Session) => number | undefined
  /** Set if several servers count together. */
  readonly store?: Store | undefined
  readonly now?: () => number
  readonly later?: (run: () => void, ms: number) => void
}

const WITHOUT_LIMITS: RegistryOptions = { limits: () => false, onLimit: () => undefined, onManyAddresses: () => undefined }
/** Users matter only if limits are on. */
const BARS_ONLY: LimitSettings = { perUser: 0, whenFull: 'endOldest', barMs: 20_000, userParams: [], ignoreUsers: [] }

export const createRegistry = ({ limits: settingsNow, onLimit, onManyAddresses, nextCheckAt = () => undefined, ...clock }: RegistryOptions = WITHOUT_LIMITS): Registry => {
  const running = new Map<string, Session>()
  let watchers: readonly SessionWatcher[] = []
  let ordinal = 0
  let closed: 'detached' | 'stopped' | undefined

  const settings = (): LimitSettings => settingsNow() || BARS_ONLY
  let compiled: { readonly of: LimitSettings, readonly userOf: UserOf } | undefined
  const userOf: UserOf = (request, facts) => {
    const now = settings()
    if (compiled?.of !== now) compiled = { of: now, userOf: createUserOf(now) }
    return compiled.userOf(request, facts)
  }
  const limits = createLimits(settings, {
    running: () => running.values(), userOf, requestKey, onAction: onLimit, onManyAddresses, ...clock
  })
  const limitOf = ({ maxSessions }: Verdict): number => settingsNow() === false ? 0 : maxSessions ?? settings().perUser

  /** NMS's id; an RTMP connection may have a second session with the same id. */
  const keyOf = (session: Session): string => {
    const { sessionId } = session.request
    const holder = running.get(sessionId)
    return holder === undefined || holder === session ? sessionId : `${sessionId} ${session.ordinal}`
  }
  const register: Register = {
    began(session) {
      running.set(keyOf(session), session)
      if (!isFile(session)) limits.begin(session)
      for (const watcher of watchers) watcher.begin?.(session)
      if (closed !== undefined) session.end(closed)
    },
    takes: limits.take,
    gives: limits.give,
    asksOn: limits.asks,
    named(session, verdict) {
      const limit = limitOf(verdict)
      if (settingsNow() !== false && (limit > 0 || verdict.userId !== undefined)) limits.named(session, userOf(session.request, session), limit)
    },
    nextCheckAt,
    ended(session) {
      limits.release(session)
      limits.give(session)
      const { sessionId } = session.request
      running.delete(running.get(sessionId) === session ? sessionId : `${sessionId} ${session.ordinal}`)
      for (const watcher of watchers) watcher.end?.(session)
    },
    released(session, reason) {
      limits.release(session)
      for (const watcher of watchers) watcher.released?.(session, reason)
    }
  }
  const meant = (which: Selector): Session[] =>
    [...running.values()].filter((session) => 'id' in which
    ? session.request.sessionId === which.id
    : session.shownUser === which.user)

  return {
    refuse: (request) => limits.refuse(request),
    enter(request, verdict, claim = 'any') {
      const limit = limitOf(verdict)
      const user = limit > 0 && claim !== 'none' ? userOf(request, verdict) : undefined
      return user === undefined ? undefined : limits.enter({ request, user, limit }, claim === 'any')
    },
    bar: limits.bar,
    isBarred: limits.isBarred,
    reserve(request, verdict, claim = 'any', entered) {
      const limit = limitOf(verdict)
      const user = limit > 0 || verdict.userId !== undefined || limits.size > 0 ? userOf(request, verdict) : undefined
      const session = new Session(ordinal++, register, request, verdict, settingsNow() === false ? undefined : user, limit)
      session.entered = entered
      return (claim === 'none' ? undefined : limits.reserve(session, claim === 'any')) ?? session
    },
    [Symbol.iterator]: () => running.values(),
    list: () => Array.from(running.values(), (session) => session.record()),
    end(which, reason, { message, barMs = 0 } = {}) {
      const sessions = meant(which)
      for (const session of sessions) {
        if (barMs > 0) limits.bar(requestKey(session.request), barMs)
        session.close(reason, message)
      }
      return sessions.length
    },
    close(reason) {
      closed = reason
      for (const session of running.values()) session.end(reason)
    },
    watch(watcher) {
      watchers = [...watchers, watcher]
      return () => { watchers = watchers.filter((other) => other !== watcher) }
    },
    get size() { return running.size },
    get counted() { return limits.size }
  }
}
