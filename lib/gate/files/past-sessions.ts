import type { Claim, Place } from '../../access/place.js'
import type { AccessRequest } from '../../access/request.js'
import { createEnded, type Ended } from '../../hls/ended.js'
import type { Session } from '../../hls/session.js'
import { findBy, type Belonging } from './belonging.js'
import type { Viewer } from './viewer.js'

/** The request a session is, or was, opened with, and everything it covers. */
export interface Opened {
  readonly request: AccessRequest
  readonly key: string
  /** Further directories by their keys. */
  readonly moreKeys: ReadonlyMap<string, string>
}

/** Ended sessions, as far as they matter to new requests. */
export interface PastSessions {
  /** Records a session that has become idle. */
  addIdle(session: Session<Viewer>): void
  /** Records a session that was closed from here. */
  addClosed(session: Session<Viewer>): void
  /**
   * The past session that a request reopens: an idle one, because a viewer may come back to any of its directories
   * while the backend's answer is remembered; or a closed one, while it is barred.
   */
  find(belonging: Belonging): Opened | undefined
  /** Forgets a session that is open again. */
  forget(opened: Opened): void
  /** Whether the session of this request was replaced by another of the same user less than a second ago. */
  wasJustReplaced(belonging: Belonging, claim: Claim): boolean
}

/** How long requests of a replaced session are put off, in milliseconds. */
const TOO_SOON_MS = 1000

const note = (ended: Ended<Opened>, { key, moreKeys, value: { nms: { request } } }: Session<Viewer>): void =>
  ended.add([key, ...moreKeys.keys()], { request, key, moreKeys })

const findIn = <T>(ended: Ended<T>, belonging: Belonging): T | undefined => ended.size === 0 ? undefined : findBy(belonging, ended.find)

/** Roughly the bytes that a request keeps. */
const lengthOf = ({ ip, path, origin, userAgent, query, streamPath }: AccessRequest): number =>
  ip.length + path.length + origin.length + userAgent.length + query.length + streamPath.length

/**
 * @param remembers - whether an earlier allow of such a request still holds
 * @param isBarred - whether such a request is temporarily barred
 */
export const createPastSessions = (remembers: (request: AccessRequest) => boolean, isBarred: (request: AccessRequest) => boolean): PastSessions => {
  const sessionsThat = (last: (request: AccessRequest) => boolean): Ended<Opened> => createEnded(({ request }) => last(request), undefined, ({ request }) => lengthOf(request))
  const [barred, idle] = [sessionsThat(isBarred), sessionsThat(remembers)]
  const replaced = createEnded<{ readonly place: Place, readonly until: number }>(({ until }) => until > performance.now())
  return {
    addIdle: (session) => note(idle, session),
    addClosed(session) {
      const { key, moreKeys, value: { place } } = session
      note(barred, session)
      if (place.endReason === 'limit') replaced.add([key, ...moreKeys.keys()], { place, until: performance.now() + TOO_SOON_MS })
    },
    find: (belonging) => findIn(barred, belonging) ?? findIn(idle, belonging),
    forget({ key, moreKeys }) {
      for (const each of [key, ...moreKeys.keys()]) idle.forget(each)
    },
    wasJustReplaced(belonging, claim) {
      const before = findIn(replaced, belonging)
      if (before !== undefined && claim === 'any') before.place.asksOn()
      return before !== undefined
    }
  }
}
