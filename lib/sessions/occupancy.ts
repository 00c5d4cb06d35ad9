import { isForFiles, type AccessRequest } from '../access/request.js'
import type { Session } from './session.js'

/**
 * A place in use. HLS and file sessions of one device and stream share one: a master playlist and its variants, a
 * refreshed token, one viewer on several servers.
 */
export interface Occupancy {
  readonly user: User
  readonly sessions: Session[]
}

/** A user whose sessions are counted. */
export interface User {
  readonly key: string
  readonly places: Occupancy[]
  /** Admitted, not begun yet. */
  reserved: number
  /** The limit named last; 0 is none. */
  limit: number
  /** Addresses of its sessions; absent while there is only one. */
  addresses: Set<string> | undefined
}

/** The session that represents a place: its first. */
export const holderOf = ({ sessions: [first] }: Occupancy): Session => {
  if (first === undefined) throw new Error('a place that nobody has')
  return first
}

/** Whether two sessions are of one device: same address and user agent. */
export const isSameDevice = (one: Session, other: Session): boolean =>
  one.request.ip === other.request.ip && one.request.userAgent === other.request.userAgent

/** Whether a place belongs to the device of a request. */
export const isOn = (place: Occupancy, { ip, userAgent }: AccessRequest): boolean => {
  const { request } = holderOf(place)
  return request.ip === ip && request.userAgent === userAgent
}

export const isFile = ({ request }: { readonly request: AccessRequest }): boolean => isForFiles(request)

/** Whether a session belongs into an existing place. */
export const shares = (place: Occupancy, session: Session): boolean => {
  const holder = holderOf(place)
  return isFile(holder) && isFile(session) && holder.request.streamPath === session.request.streamPath && isSameDevice(holder, session)
}

/** How long none of a place's sessions has fetched anything, in milliseconds. */
export const quietMs = ({ sessions }: Occupancy): number => Math.min(...sessions.map((session) => session.quietMs()))

/** Whether all sessions of a place have left without saying so. */
export const isGone = ({ sessions }: Occupancy): boolean => sessions.every((session) => session.quietMs() >= session.goneAfterMs())
