import type { Claim, EndReason, Place } from '../access/place.js'
import type { AccessRequest } from '../access/request.js'
import type { Entered } from './leases.js'
import type { Store } from './store.js'
import type { LimitSettings } from '../access/settings.js'
import type { Verdict } from '../access/verdict.js'
import { requestKey } from '../policy/request-key.js'
import { createLimits, type LimitAction } from './limits.js'
import { isFile } from './occupancy.js'
import { createUserOf, type UserOf } from './users.js'
import { Session, shownUserOf, type Register } from './session.js'
import type { SessionRecord } from './record.js'

/** Whoever wants to know of begins and ends. What it throws reaches the host: a watcher that may fail is wrapped before. */
export interface SessionWatcher {
  begin?(session: Session): void
  /** Each session that began ends once; `endReason` says how. */
  end?(session: Session): void
  /** NMS or the client gave up before the begin, so that nobody hears of a session although there was an allow. */
  released?(session: Session, reason: EndReason): void
}

/** Which sessions are meant. */
export type Selector = { readonly id: string } | { readonly user: string }

/** Every client that was let in and is still there, of every protocol. There is no second list. */
export interface Registry {
  /** For the door alone: whether a request is kept out, so that nobody need be asked. */
  refuse(request: AccessRequest): Verdict | undefined
  /**
   * For the door alone, before `reserve`: a place on all servers, or a denial, where these have to be waited for. Whoever gets a place gives it
   * to `reserve`, or releases it.
   */
  enter(request: AccessRequest, verdict: Verdict, claim?: Claim): Promise<Entered | Verdict | undefined> | undefined
  /** For the door alone: what a client that is let in has here; a denial if its user may have no more. */
  reserve(request: AccessRequest, verdict: Verdict, claim?: Claim, entered?: Entered): Place | Verdict
  /** Keeps a request out, by its key, whether or not its user has a place. */
  bar(requestKey: string, forMs: number): void
  /** Those that run, the oldest first. */
  [Symbol.iterator](): Iterator<Session>
  list(): SessionRecord[]
  /** Ends those that are meant; how many there were. */
  end(which: Selector, reason: EndReason, order?: EndOrder): number
  /** Every session is over for us; their streams are not touched. */
  close(reason: 'detached' | 'stopped'): void
  /** @returns a function that takes it off */
  watch(watcher: SessionWatcher): () => void
  readonly size: number
  /** Users whose sessions are counted, because some have a limit. */
  readonly counted: number
}

/** How sessions are ended by somebody. */
export interface EndOrder {
  /** What their viewers are told. */
  readonly message?: string | undefined
  /** How long the same request is refused, in milliseconds. */
  readonly barMs?: number | undefined
}

export interface RegistryOptions {
  /** What is in force now; `false`: nobody is counted. */
  readonly limits: () => LimitSettings | false
  readonly onLimit: (action: LimitAction) => void
  /** A user came from many addresses, so it may be an id that many share. */
  readonly onManyAddresses: (user: string) => void
  /** What several servers share. */
  readonly store?: Store | undefined
  readonly now?: () => number
  readonly later?: (run: () => void, ms: number) => void
}

const WITHOUT_LIMITS: RegistryOptions = { limits: () => false, onLimit: () => undefined, onManyAddresses: () => undefined }
/** Users are only told from each other where limits count. */
const BARS_ONLY: LimitSettings = { perUser: 0, whenFull: 'endOldest', barMs: 20_000, userParams: [], ignoreUsers: [] }

export const createRegistry = ({ limits: settingsNow, onLimit, onManyAddresses, ...clock }: RegistryOptions = WITHOUT_LIMITS): Registry => {
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

  /** NMS's id; one connection of NMS may have a second session under the same. */
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
    : shownUserOf(session) === which.user)

  return {
    refuse: (request) => limits.refuse(request),
    enter(request, verdict, claim = 'any') {
      const limit = limitOf(verdict)
      const user = limit > 0 && claim !== 'none' ? userOf(request, verdict) : undefined
      return user === undefined ? undefined : limits.enter({ request, user, limit }, claim === 'any')
    },
    bar: limits.bar,
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
