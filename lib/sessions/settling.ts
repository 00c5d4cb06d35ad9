import { safely } from '../safely.js'
import type { Barring } from './barring.js'
import type { Leases } from './leases.js'
import { othersWatch, textOf, type LimitAction } from './limit-action.js'
import { holderOf, type Occupancy, type User } from './occupancy.js'
import { takerOf } from './record.js'
import type { Session } from './session.js'
import type { Taker } from './store.js'
import { whoGoes, type Leaver } from './who-goes.js'

/** How long a user may stay over the limit: players close the old connection just after opening the new one. */
export const SETTLE_MS = 500

/** Ends the sessions that are too many, half a second after a session has begun. */
export interface Settling {
  /** A session has begun and has its place. */
  begun(session: Session, user: User): void
  /** A place is lost to a newcomer, here or on another server; or a newcomer that has begun finds none. */
  lost(place: Occupancy, action: LimitAction, others: number, by: Taker): void
}

interface SettlingOptions {
  readonly barring: Barring
  /** Set if other servers count, too. */
  readonly leases: Leases | undefined
  readonly onAction: (action: LimitAction) => void
  readonly later?: ((run: () => void, ms: number) => void) | undefined
}

const byOrdinal = (one: Session, other: Session): number => one.ordinal - other.ordinal

const afterwards = (run: () => void, ms: number): void => {
  setTimeout(safely(undefined, run), ms).unref()
}

export const createSettling = ({ barring, leases, onAction, later = afterwards }: SettlingOptions): Settling => {
  const lost: Settling['lost'] = (place, action, others, by) => {
    const { user } = place
    onAction(action)
    for (const session of [...place.sessions]) {
      if (action === 'endOldest' || action === 'bar') barring.keepOut(session.request, user)
      else if (action === 'reconnect' || action === 'zap') barring.swung(session.request, user.key)
      if (action !== 'bar' && action !== 'denyNew') session.goneFor = { rule: action, by }
      session.close('limit', textOf(action, Math.max(1, others)))
    }
  }
  const end = ({ place, rule }: Leaver, user: User, newcomer: Session): void =>
    lost(place, rule, Math.min(user.places.length - 1, user.limit), takerOf(newcomer.request))
  /**
   * Judges later newcomers along with this one: if each waited for its own half second, a user whose devices keep
   * coming would never be within its limit.
   */
  const settle = (newcomer: Session): void => {
    if (newcomer.place === undefined) return
    const { user } = newcomer.place
    if (user.limit === 0) return
    const excess = (): number => Math.max(0, user.places.length - user.limit)
    const since = user.places.map(holderOf).filter((holder) => holder.ordinal > newcomer.ordinal).sort(byOrdinal)
    for (const each of [newcomer, ...since]) {
      // It may have ended for an earlier one in this list.
      if (each.place === undefined) continue
      for (const leaver of whoGoes(user.places, each, { sameDevice: each.sameDevice, oldest: false }).slice(0, excess())) end(leaver, user, each)
    }
    if (excess() === 0) return
    if (!newcomer.strict) return endOldest(user, newcomer, since)
    // The session that would have ended for it is still there; it may itself have ended for a later one.
    if (newcomer.place === undefined) return
    onAction('denyNew')
    newcomer.close('limit', othersWatch(user.places.length - 1))
  }
  /** The newest keep their places. A newcomer that may end nobody is judged half a second after its own begin. */
  const endOldest = (user: User, newcomer: Session, since: readonly Session[]): void => {
    const keeper = since.findLast(({ strict, place }) => !strict && place !== undefined) ?? newcomer
    const oldest = [...user.places].sort((one, other) => byOrdinal(holderOf(one), holderOf(other))).slice(0, user.places.length - user.limit)
    for (const place of oldest) {
      const { ordinal, strict } = holderOf(place)
      const by = ordinal < newcomer.ordinal ? newcomer : keeper
      if ((ordinal <= newcomer.ordinal || !strict) && !place.sessions.includes(by)) end({ place, rule: 'endOldest' }, user, by)
    }
  }
  const settleHere = (session: Session, user: User): void => {
    if (user.limit > 0 && user.places.length > user.limit) later(() => settle(session), SETTLE_MS)
  }
  /** The same if other servers count, too; this one decides if they do not answer. */
  const settleEverywhere = (shared: Leases, session: Session, user: User, over: boolean | undefined): void => {
    if (over === undefined) return settleHere(session, user)
    if (over) later(() => {
      if (session.place !== undefined) void shared.settle(session.place).then((done) => { if (done === undefined) settle(session) })
    }, SETTLE_MS)
  }
  return {
    begun(session, user) {
      if (leases === undefined || user.limit === 0) return settleHere(session, user)
      const { entered } = session
      session.entered = undefined
      // Sessions that began before there was a limit count from now on, too.
      for (const place of user.places) {
        if (place !== session.place) leases.adopt(place)
        else void leases.take(place, session, entered).then((over) => settleEverywhere(leases, session, user, over))
      }
    },
    lost
  }
}
