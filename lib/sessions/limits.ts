import type { AccessRequest } from '../access/request.js'
import type { LimitSettings } from '../access/settings.js'
import { deny, type Verdict } from '../access/verdict.js'
import { createBarring } from './barring.js'
import { createLeases, type Entered, type Newcomer } from './leases.js'
import { othersWatch, type LimitAction } from './limit-action.js'
import { isFile, isGone, isOn, shares, type User } from './occupancy.js'
import { createPlaces } from './places.js'
import type { Session } from './session.js'
import { createSettling } from './settling.js'
import type { Store } from './store.js'
import type { UserOf } from './users.js'
import { whoGoes, type Terms } from './who-goes.js'

/** The limit of sessions per user. Counts running `play` sessions; users without a limit cost nothing. */
export interface Limits {
  /** Refuses a request without asking anybody; `undefined`: ask. */
  refuse(request: AccessRequest): Verdict | undefined
  /** At the verdict: reserves a place for a newcomer, or returns a denial. @param mayEnd - whether another session may be ended for it */
  reserve(session: Session, mayEnd: boolean): Verdict | undefined
  /**
   * Before that, if other servers have a say: resolves with a place on all of them or a denial; `undefined` if there is
   * nothing to wait for, or nobody answers.
   */
  enter(newcomer: Omit<Newcomer, 'barred'>, mayEnd: boolean): Promise<Entered | Verdict | undefined> | undefined
  /** The session will not begin; frees its reservation. */
  release(session: Session): void
  /** The session begins and takes its place in any case; if there are then too many, some end soon after. */
  begin(session: Session): void
  /** A session that began without a place serves something now: takes a place, or returns a denial. */
  take(session: Session, mayEnd: boolean): Verdict | undefined
  /**
   * A re-check named the user of a session: it counts from the next begin on, here and on other servers. Nothing ends
   * now.
   * @param limit - named by the re-check; 0 is none
   */
  named(session: Session, user: string | undefined, limit: number): void
  /** The client of an ended session asks again, too early to be heard. */
  asks(session: Session): void
  /** The session is over, or what it asked for did not exist. */
  give(session: Session): void
  /** Keeps a request out whether its user has a free place or not. */
  bar(requestKey: string, forMs: number): void
  /** Whether a request is kept out like that. */
  isBarred(request: AccessRequest): boolean
  /** Users being counted. */
  readonly size: number
}

export interface LimitHooks {
  /** All running sessions; called once, when the first limit is named. */
  readonly running: () => Iterable<Session>
  readonly userOf: UserOf
  /** The key that identifies a repeated request. */
  readonly requestKey: (request: AccessRequest) => string
  readonly onAction: (action: LimitAction) => void
  /** A user id that came from many addresses, as shown to people. */
  readonly onManyAddresses: (user: string) => void
  /** Set if several servers count together. */
  readonly store?: Store | undefined
  readonly now?: () => number
  readonly later?: (run: () => void, ms: number) => void
}

const isCounted = ({ request, user }: Session): boolean => user !== undefined && request.action === 'play'

export const createLimits = (
  settings: () => Pick<LimitSettings, 'barMs' | 'whenFull'>,
  { running, userOf, requestKey, onAction, onManyAddresses, store, now = () => performance.now(), later }: LimitHooks
): Limits => {
  const places = createPlaces(onManyAddresses)
  const leases = store && createLeases({ store, settings, requestKey, onLost: (place, { rule, others, by }) => settling.lost(place, rule, others, by) })
  const barring = createBarring({ barMs: () => settings().barMs, requestKey, onKeptOut: (request, user) => leases?.bar(request, user), now })
  const settling = createSettling({ barring, leases, onAction, later })
  /** Nothing is counted until the first limit is named. */
  let counting = false

  const countAll = (): void => {
    if (counting) return
    counting = true
    for (const session of running()) {
      session.user ??= userOf(session.request, session)
      // Files take their place with the next request.
      if (!isFile(session)) begin(session)
    }
  }
  /** The rules by which other sessions may end for a newcomer, and whether it is barred if they find none. */
  const termsOf = ({ request }: Session, user: string): Terms & { readonly barred: boolean } => {
    const still = barring.swings(request, user)
    const barred = barring.has(request, user)
    return { sameDevice: !still, oldest: settings().whenFull === 'endOldest' && !barred, barred }
  }
  /** Whether there is a place for a newcomer, or a session that ends for it. */
  const refusalOf = (session: Session, user: User, mayEnd: boolean): Verdict | undefined => {
    const terms = termsOf(session, user.key)
    session.strict = !terms.oldest || !mayEnd
    session.sameDevice = terms.sameDevice && mayEnd
    // All servers have agreed already.
    if (session.entered !== undefined) return undefined
    if (user.places.some((place) => shares(place, session))) return undefined
    const over = user.places.length + (terms.oldest ? 0 : user.reserved) + 1 - user.limit
    if (over <= 0) return undefined
    if (mayEnd && (terms.oldest || whoGoes(user.places, session, terms).length >= over)) return undefined
    onAction(terms.barred ? 'bar' : 'denyNew')
    if (terms.barred) barring.keepOut(session.request, user)
    return deny('limit', othersWatch(user.places.length))
  }
  const give = (session: Session): void => {
    const freed = places.give(session)
    if (freed !== undefined) leases?.give(freed)
  }
  const begin = (session: Session): void => {
    if (counting && session.place === undefined && isCounted(session) && session.user !== undefined) settling.begun(session, places.take(session, session.user))
  }

  return {
    refuse(request) {
      const bar = barring.get(request)
      if (bar === undefined) return undefined
      if (bar.firm) return deny('limit', 'closed by the operator')
      const user = bar.user === undefined ? undefined : places.get(bar.user)
      if (user === undefined || user.limit === 0 || user.places.length < user.limit) return undefined
      // There may be a place after all: of the same device, or of a session that is gone.
      if (user.places.some((place) => isGone(place) || isOn(place, request))) return undefined
      barring.keepOut(request, user)
      onAction('bar')
      return deny('limit', othersWatch(user.places.length))
    },
    reserve(session, mayEnd) {
      if (!isCounted(session) || session.user === undefined) return undefined
      if (session.limit > 0) countAll()
      if (!counting) return undefined
      const user = places.known(session.user)
      user.limit = session.limit
      const refusal = user.limit > 0 ? refusalOf(session, user, mayEnd) : undefined
      if (refusal === undefined) places.reserve(session, user)
      else places.forget(user)
      return refusal
    },
    enter(newcomer, mayEnd) {
      if (newcomer.limit === 0 || newcomer.request.action !== 'play') return undefined
      return leases?.enter({ ...newcomer, barred: barring.has(newcomer.request, newcomer.user) }, mayEnd)?.then((answer) => {
        if (typeof answer !== 'string') return answer
        onAction(answer)
        return deny('limit', othersWatch(newcomer.limit))
      })
    },
    release(session) {
      session.entered?.release()
      session.entered = undefined
      places.release(session)
    },
    begin,
    take(session, mayEnd) {
      if (!counting || session.place !== undefined || !isCounted(session) || session.user === undefined) return undefined
      const user = places.get(session.user)
      const refusal = session.reserved || user === undefined || user.limit === 0 ? undefined : refusalOf(session, user, mayEnd)
      if (refusal === undefined) begin(session)
      return refusal
    },
    named(session, user, limit) {
      if (limit > 0) countAll()
      // A viewer of files takes its place once it is served something.
      const isIn = session.place !== undefined || !isFile(session) || session.outBytes > 0
      if (session.user !== user) give(session)
      session.user = user
      if (!counting || !isIn || user === undefined || !isCounted(session)) return
      if (session.place === undefined) places.take(session, user)
      if (session.place !== undefined) leases?.adopt(session.place, limit)
    },
    asks({ request, user }) {
      if (user !== undefined) barring.swings(request, user)
    },
    give,
    bar: barring.close,
    isBarred: (request) => barring.get(request)?.firm === true,
    get size() { return places.size }
  }
}
