import type { AccessRequest } from '../access/request.js'
import type { LimitSettings } from '../access/settings.js'
import { deny, type Verdict } from '../access/verdict.js'
import { safely } from '../safely.js'
import { createBars } from './bars.js'
import { createLeases, type Entered, type Leases, type Newcomer } from './leases.js'
import { holderOf, isFile, isGone, isOn, shares, type Occupancy, type User } from './occupancy.js'
import type { Session } from './session.js'
import type { Device, Store } from './store.js'
import { createSwings } from './swings.js'
import { shownUser, type UserOf } from './users.js'
import { whoGoes, type Leaver, type Rule, type Terms } from './who-goes.js'

/** What a limit did: somebody went by a rule, or somebody was refused. */
export type LimitAction = Rule | 'denyNew' | 'bar'

/** The limit of sessions for each user. Counts sessions of `play` that run; nothing is kept of users without a limit. */
export interface Limits {
  /** What a request can be told without asking anybody; `undefined`: ask. */
  refuse(request: AccessRequest): Verdict | undefined
  /**
   * At the verdict: whether a newcomer may begin, and if so a place is reserved for it. Resolves who may not
   * with a denial. @param mayEnd - whether somebody may have to go for it
   */
  reserve(session: Session, mayEnd: boolean): Verdict | undefined
  /**
   * Before that, where other servers have a say: a place on all of them, or a denial; `undefined` where nobody need be waited for, or nobody
   * answers.
   */
  enter(newcomer: Omit<Newcomer, 'barred'>, mayEnd: boolean): Promise<Entered | Verdict | undefined> | undefined
  /** It will not begin, so its reservation is free. */
  release(session: Session): void
  /** It begins and takes its place in any case; whoever is then too many goes soon. */
  begin(session: Session): void
  /** It has begun without a place, and serves something: a denial if there is none for it. */
  take(session: Session, mayEnd: boolean): Verdict | undefined
  /** The client of a session that was ended asks on, too early to be heard. */
  asks(session: Session): void
  /** It is over, or what it was to be served was not there. */
  give(session: Session): void
  /** Keeps a request out, whether its user has a place or not. */
  bar(requestKey: string, forMs: number): void
  /** Users who are counted. */
  readonly size: number
}

/** How long somebody who is over may stay: closing the old connection just after opening the new one is how players zap. */
export const SETTLE_MS = 500
/** Addresses of one user by which it is taken for an id that many have. */
const MANY_ADDRESSES = 20

export interface LimitHooks {
  /** Everybody of a user who runs already; asked for once, when the first limit is heard. */
  readonly running: () => Iterable<Session>
  readonly userOf: UserOf
  /** What a request is known by when it is made again. */
  readonly requestKey: (request: AccessRequest) => string
  readonly onAction: (action: LimitAction) => void
  /** An id of many addresses, as people are shown it. */
  readonly onManyAddresses: (user: string) => void
  /** What other servers have a say in. */
  readonly store?: Store | undefined
  readonly now?: () => number
  readonly later?: (run: () => void, ms: number) => void
}

const later = (run: () => void, ms: number): void => {
  setTimeout(safely(undefined, run), ms).unref()
}

const others = (count: number): string => `your account is watched on ${count} other ${count === 1 ? 'device' : 'devices'}`
const MESSAGES: Readonly<Record<Rule, (count: number) => string | undefined>> = {
  reconnect: () => undefined, gone: () => undefined, zap: () => 'another stream was opened on this device', endOldest: others
}

export const createLimits = (
  settings: () => Pick<LimitSettings, 'barMs' | 'whenFull'>,
  { running, userOf, requestKey, onAction, onManyAddresses, store, now = () => performance.now(), later: runLater = later }: LimitHooks
): Limits => {
  const users = new Map<string, User>()
  const bars = createBars(now)
  const swings = createSwings(() => settings().barMs, now)
  const leases = store && createLeases({ store, settings, requestKey, onLost: (place, { rule, others, by }) => lost(place, rule, others, by) })
  /** Nobody is counted until the first limit is heard. */
  let counting = false

  const deviceOf = (user: string, { ip, userAgent }: AccessRequest): string => `${user}\n${ip}\n${userAgent}`
  const known = (key: string): User => {
    let user = users.get(key)
    if (user === undefined) users.set(key, user = { key, places: [], reserved: 0, limit: 0, addresses: undefined })
    return user
  }
  const forget = (user: User): void => {
    if (user.places.length === 0 && user.reserved === 0) users.delete(user.key)
  }
  const isCounted = ({ request, user }: Session): boolean => user !== undefined && request.action === 'play'

  const occupy = (session: Session, key: string): User => {
    const user = known(key)
    const shared = user.places.find((place) => shares(place, session))
    if (shared === undefined) user.places.push(session.place = { user, sessions: [session] })
    else {
      shared.sessions.push(session)
      session.place = shared
    }
    noteAddress(user, session)
    return user
  }
  const noteAddress = (user: User, { request: { ip } }: Session): void => {
    const [first] = user.places
    if (user.addresses === undefined && first?.sessions[0]?.request.ip === ip) return
    const addresses = user.addresses ??= new Set([first?.sessions[0]?.request.ip ?? ip])
    if (addresses.size >= MANY_ADDRESSES) return
    addresses.add(ip)
    if (addresses.size === MANY_ADDRESSES) onManyAddresses(shownUser(user.key))
  }
  const countAll = (): void => {
    if (counting) return
    counting = true
    for (const session of running()) {
      session.user ??= userOf(session.request, session)
      // Files take theirs with their next request.
      if (!isFile(session)) begin(session)
    }
  }

  const barOf = (session: Session, user: string): boolean =>
    bars.get(requestKey(session.request)) !== undefined || bars.get(deviceOf(user, session.request)) !== undefined
  const keepOut = (request: AccessRequest, user: User): void => {
    leases?.bar(request, user.key)
    const bar = { user: user.key, firm: false }
    bars.add(requestKey(request), bar, settings().barMs)
    bars.add(deviceOf(user.key, request), bar, settings().barMs)
  }
  /** By which rules somebody may go for a newcomer, and whether it is kept out where these find nobody. */
  const termsOf = (session: Session, user: string): Terms & { readonly barred: boolean } => {
    const still = swings.asks(deviceOf(user, session.request), session.request.streamPath)
    const barred = barOf(session, user)
    return { sameDevice: !still, oldest: settings().whenFull === 'endOldest' && !barred, barred }
  }
  /** Whether there is a place for a newcomer, or somebody who goes for it. */
  const refusalOf = (session: Session, user: User, mayEnd: boolean): Verdict | undefined => {
    const terms = termsOf(session, user.key)
    session.strict = !terms.oldest || !mayEnd
    session.sameDevice = terms.sameDevice && mayEnd
    // All servers have said that it may.
    if (session.entered !== undefined) return undefined
    if (user.places.some((place) => shares(place, session))) return undefined
    const over = user.places.length + (terms.oldest ? 0 : user.reserved) + 1 - user.limit
    if (over <= 0) return undefined
    if (mayEnd && (terms.oldest || whoGoes(user.places, session, terms).length >= over)) return undefined
    onAction(terms.barred ? 'bar' : 'denyNew')
    if (terms.barred) keepOut(session.request, user)
    return deny('limit', others(user.places.length))
  }

  const end = ({ place, rule }: Leaver, user: User, newcomer: Session): void => {
    const { ip, userAgent } = newcomer.request
    lost(place, rule, Math.min(user.places.length - 1, user.limit), { ip, userAgent })
  }
  /** A place goes to a newcomer, here or on another server; or a newcomer that has begun finds none. */
  const lost = (place: Occupancy, rule: LimitAction, count: number, by: Device): void => {
    const { user } = place
    onAction(rule)
    for (const session of [...place.sessions]) {
      if (rule === 'endOldest' || rule === 'bar') keepOut(session.request, user)
      else if (rule === 'reconnect' || rule === 'zap') swings.ended(deviceOf(user.key, session.request), session.request.streamPath)
      if (rule !== 'bar' && rule !== 'denyNew') session.goneFor = { rule, by }
      session.close('limit', (rule === 'bar' || rule === 'denyNew' ? others : MESSAGES[rule])(Math.max(1, count)))
    }
  }
  /**
   * Others have come since: while they go on coming, each would wait for its own half second, and the user
   * would never be within the limit. So the newest keep the places; who may end nobody goes by its own.
   */
  const trim = (user: User): void => {
    const newest = [...user.places].sort((one, other) => holderOf(other).ordinal - holderOf(one).ordinal)
    const [keeper] = newest.splice(0, user.limit).map(holderOf).filter(({ strict }) => !strict)
    if (keeper === undefined) return
    for (const place of newest.reverse()) if (!holderOf(place).strict) end({ place, rule: 'endOldest' }, user, keeper)
  }
  /** Half a second after a begin: whoever is still too many goes. */
  const settle = (newcomer: Session): void => {
    const { place } = newcomer
    if (place === undefined) return
    const { user } = place
    const over = user.places.length - user.limit
    if (over <= 0 || user.limit === 0) return
    const leavers = whoGoes(user.places, newcomer, { sameDevice: newcomer.sameDevice, oldest: !newcomer.strict }).slice(0, over)
    for (const leaver of leavers) end(leaver, user, newcomer)
    if (!newcomer.strict) trim(user)
    // Who would have gone for it is there after all.
    if (newcomer.strict && leavers.length < over && user.places.length > user.limit) {
      onAction('denyNew')
      newcomer.close('limit', others(user.places.length - 1))
    }
  }

  const begin = (session: Session): void => {
    if (!counting || session.place !== undefined || !isCounted(session) || session.user === undefined) return
    const user = occupy(session, session.user)
    if (session.reserved) {
      session.reserved = false
      user.reserved -= 1
    }
    if (leases === undefined || user.limit === 0) return settleSoon(session, user)
    const { entered } = session
    session.entered = undefined
    // Those who began before there was a limit count from now on, too.
    for (const place of user.places) {
      if (place !== session.place) leases.adopt(place)
      else void leases.take(place, session, entered).then((over) => settleEverywhere(leases, session, user, over))
    }
  }
  const settleSoon = (session: Session, user: User): void => {
    if (user.limit > 0 && user.places.length > user.limit) runLater(() => settle(session), SETTLE_MS)
  }
  /** The same where other servers count, too; where they do not answer this one decides. */
  const settleEverywhere = (shared: Leases, session: Session, user: User, over: boolean | undefined): void => {
    if (over === undefined) return settleSoon(session, user)
    if (over) runLater(() => {
      if (session.place !== undefined) void shared.settle(session.place).then((done) => { if (done === undefined) settle(session) })
    }, SETTLE_MS)
  }

  return {
    refuse(request) {
      if (bars.size === 0) return undefined
      const bar = bars.get(requestKey(request))
      if (bar === undefined) return undefined
      if (bar.firm) return deny('limit', 'closed by the operator')
      const user = bar.user === undefined ? undefined : users.get(bar.user)
      if (user === undefined || user.limit === 0 || user.places.length < user.limit) return undefined
      // By the rules of the same device, or because somebody is gone, there may be a place all the same.
      if (user.places.some((place) => isGone(place) || isOn(place, request))) return undefined
      keepOut(request, user)
      onAction('bar')
      return deny('limit', others(user.places.length))
    },
    reserve(session, mayEnd) {
      if (!isCounted(session) || session.user === undefined) return undefined
      if (session.limit > 0) countAll()
      if (!counting) return undefined
      const user = known(session.user)
      user.limit = session.limit
      if (user.limit > 0) {
        const refusal = refusalOf(session, user, mayEnd)
        if (refusal !== undefined) {
          forget(user)
          return refusal
        }
      }
      user.reserved += 1
      session.reserved = true
      return undefined
    },
    enter(newcomer, mayEnd) {
      if (newcomer.limit === 0 || newcomer.request.action !== 'play') return undefined
      const barred = bars.size > 0 && [requestKey(newcomer.request), deviceOf(newcomer.user, newcomer.request)].some((key) => bars.get(key) !== undefined)
      return leases?.enter({ ...newcomer, barred }, mayEnd)?.then((answer) => {
        if (typeof answer !== 'string') return answer
        onAction(answer)
        return deny('limit', others(newcomer.limit))
      })
    },
    release(session) {
      session.entered?.release()
      session.entered = undefined
      if (!session.reserved || session.user === undefined) return
      session.reserved = false
      const user = users.get(session.user)
      if (user === undefined) return
      user.reserved -= 1
      forget(user)
    },
    begin,
    take(session, mayEnd) {
      if (!counting || session.place !== undefined || !isCounted(session) || session.user === undefined) return undefined
      const user = users.get(session.user)
      const refusal = session.reserved || user === undefined || user.limit === 0 ? undefined : refusalOf(session, user, mayEnd)
      if (refusal === undefined) begin(session)
      return refusal
    },
    asks({ request, user }) {
      if (user !== undefined) swings.asks(deviceOf(user, request), request.streamPath)
    },
    give(session) {
      const { place } = session
      if (place === undefined) return
      session.place = undefined
      place.sessions.splice(place.sessions.indexOf(session), 1)
      if (place.sessions.length > 0) return
      leases?.give(place)
      const { places } = place.user
      places.splice(places.indexOf(place), 1)
      forget(place.user)
    },
    bar: (key, forMs) => bars.add(key, { user: undefined, firm: true }, forMs),
    get size() { return users.size }
  }
}
