import { shares, type Occupancy, type User } from './occupancy.js'
import type { Session } from './session.js'
import { shownUser } from './users.js'

/** Addresses from which a user id is assumed to be shared by many people. */
const MANY_ADDRESSES = 20

/** Counted users, with their places in use and reserved. */
export interface Places {
  /** A user with a place in use or reserved. */
  get(key: string): User | undefined
  /** The same; created if unknown. */
  known(key: string): User
  /** Reserves a place until the session begins. */
  reserve(session: Session, user: User): void
  /** Frees a reservation. */
  release(session: Session): void
  /** Takes a place, or joins one, for a running session. */
  take(session: Session, key: string): User
  /** Gives the session's part back; returns the place if it is free now. */
  give(session: Session): Occupancy | undefined
  /** Drops a user without places. */
  forget(user: User): void
  readonly size: number
}

/** @param onManyAddresses - gets a user id that came from many addresses, as shown to people */
export const createPlaces = (onManyAddresses: (user: string) => void): Places => {
  const users = new Map<string, User>()

  const known = (key: string): User => {
    let user = users.get(key)
    if (user === undefined) users.set(key, user = { key, places: [], reserved: 0, limit: 0, addresses: undefined })
    return user
  }
  const forget = (user: User): void => {
    if (user.places.length === 0 && user.reserved === 0) users.delete(user.key)
  }
  const noteAddress = (user: User, { request: { ip } }: Session): void => {
    const [first] = user.places
    if (user.addresses === undefined && first?.sessions[0]?.request.ip === ip) return
    const addresses = user.addresses ??= new Set([first?.sessions[0]?.request.ip ?? ip])
    if (addresses.size >= MANY_ADDRESSES) return
    addresses.add(ip)
    if (addresses.size === MANY_ADDRESSES) onManyAddresses(shownUser(user.key))
  }

  return {
    get: (key) => users.get(key),
    known,
    reserve(session, user) {
      user.reserved += 1
      session.reserved = true
    },
    release(session) {
      if (!session.reserved || session.user === undefined) return
      session.reserved = false
      const user = users.get(session.user)
      if (user === undefined) return
      user.reserved -= 1
      forget(user)
    },
    take(session, key) {
      const user = known(key)
      const shared = user.places.find((place) => shares(place, session))
      if (shared === undefined) user.places.push(session.place = { user, sessions: [session] })
      else {
        shared.sessions.push(session)
        session.place = shared
      }
      noteAddress(user, session)
      if (session.reserved) {
        session.reserved = false
        user.reserved -= 1
      }
      return user
    },
    give(session) {
      const { place } = session
      if (place === undefined) return undefined
      session.place = undefined
      place.sessions.splice(place.sessions.indexOf(session), 1)
      if (place.sessions.length > 0) return undefined
      const { user } = place
      user.places.splice(user.places.indexOf(place), 1)
      forget(user)
      return place
    },
    forget,
    get size() { return users.size }
  }
}
