import { holderOf, isGone, isSameDevice, quietMs, type Occupancy } from './occupancy.js'
import type { Session } from './session.js'

/** The rules by which a session ends for a newcomer, in order. */
export type Rule = 'reconnect' | 'gone' | 'zap' | 'endOldest'

/** A session that has to end. */
export interface Leaver {
  readonly place: Occupancy
  readonly rule: Rule
}

/** Which rules apply to a newcomer. */
export interface Terms {
  /** Whether sessions of the same device may end. */
  readonly sameDevice: boolean
  /** Whether the oldest may end if no other rule applies. */
  readonly oldest: boolean
}

/**
 * The sessions that may end for a newcomer, in order: the same device on the same stream (a reconnect whose old
 * connection has not died yet); sessions that are gone without having said so; the same device on another stream,
 * quietest first; the oldest. Only sessions that began earlier.
 */
export const whoGoes = (places: readonly Occupancy[], newcomer: Session, { sameDevice, oldest }: Terms): Leaver[] => {
  const rest = places
    .filter((place) => !place.sessions.includes(newcomer) && holderOf(place).ordinal < newcomer.ordinal)
    .sort((one, other) => holderOf(one).ordinal - holderOf(other).ordinal)
  const leavers: Leaver[] = []
  const take = (rule: Rule, matches: (place: Occupancy) => boolean, sort?: (list: Occupancy[]) => Occupancy[]): void => {
    const found = rest.filter(matches)
    for (const place of sort?.(found) ?? found) {
      leavers.push({ place, rule })
      rest.splice(rest.indexOf(place), 1)
    }
  }
  const isOwn = (place: Occupancy): boolean => isSameDevice(holderOf(place), newcomer)
  if (sameDevice) take('reconnect', (place) => isOwn(place) && holderOf(place).request.streamPath === newcomer.request.streamPath)
  take('gone', isGone)
  if (sameDevice) {
    take('zap', isOwn, (list) => list.map((place) => ({ place, quiet: quietMs(place) })).sort((one, other) => other.quiet - one.quiet).map(({ place }) => place))
  }
  if (oldest) take('endOldest', () => true)
  return leavers
}
