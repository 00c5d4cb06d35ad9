import { holderOf, isGone, isSameDevice, quietMs, type Occupancy } from './occupancy.js'
import type { Session } from './session.js'

/** By which rule somebody goes for a newcomer, in their order. */
export type Rule = 'reconnect' | 'gone' | 'zap' | 'endOldest'

/** Somebody who has to go. */
export interface Leaver {
  readonly place: Occupancy
  readonly rule: Rule
}

/** What of the rules counts for a newcomer. */
export interface Terms {
  /** Whether somebody may go because it is the same device. */
  readonly sameDevice: boolean
  /** Whether the oldest may go where nobody else has to. */
  readonly oldest: boolean
}

/**
 * Who goes for a newcomer, the first to go first: the same device on the same stream, a reconnect whose old
 * connection has not died yet; those who are gone without having said so; the same device on another stream,
 * the quietest first; and then the oldest. Only who was there before goes.
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
