import type { AccessRequest } from '../access/request.js'
import type { Session } from './session.js'

/**
 * A place of a user's limit that is taken. HLS and file sessions of one device and stream share one: a
 * master and its variants, a token that was refreshed, one viewer on several servers.
 */
export interface Occupancy {
  readonly user: User
  readonly sessions: Session[]
}

/** A user whose sessions are counted. */
export interface User {
  readonly key: string
  readonly places: Occupancy[]
  /** Let in, and not yet begun. */
  reserved: number
  /** As it was last heard; 0 is none. */
  limit: number
  /** Addresses that it came from; absent while there is only one. */
  addresses: Set<string> | undefined
}

/** The session that stands for a place: its first. */
export const holderOf = ({ sessions: [first] }: Occupancy): Session => {
  if (first === undefined) throw new Error('a place that nobody has')
  return first
}

/** Whether two sessions are one device's: address and user agent. */
export const isSameDevice = (one: Session, other: Session): boolean =>
  one.request.ip === other.request.ip && one.request.userAgent === other.request.userAgent

/** Whether a place is of the device that makes a request. */
export const isOn = (place: Occupancy, { ip, userAgent }: AccessRequest): boolean => {
  const { request } = holderOf(place)
  return request.ip === ip && request.userAgent === userAgent
}

export const isFile = ({ request: { protocol } }: { readonly request: AccessRequest }): boolean => protocol === 'hls' || protocol === 'file'

/** Whether a session has a part in a place that is there. */
export const shares = (place: Occupancy, session: Session): boolean => {
  const holder = holderOf(place)
  return isFile(holder) && isFile(session) && holder.request.streamPath === session.request.streamPath && isSameDevice(holder, session)
}

/** How long none of a place's sessions has been fetching, in milliseconds. */
export const quietMs = ({ sessions }: Occupancy): number => Math.min(...sessions.map((session) => session.quietMs()))

/** Whether all of a place's sessions are gone without having said so. */
export const isGone = ({ sessions }: Occupancy): boolean => sessions.every((session) => session.quietMs() >= session.goneAfterMs())
