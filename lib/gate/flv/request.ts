import type { Action } from '../../access/request.js'
import { askedOr, type Asked } from '../door/asked.js'
import type { HttpClient } from '../http/exchange.js'
import { headerText } from '../http/header-text.js'
import type { LiveRoute } from '../../nms/dialect.js'

const MALFORMED = 'ask for a live stream as /app/name.flv, letters, digits, _ and - only'

/** A path of a live stream, or one that looks like it. */
export type LiveMeaning = Exclude<LiveRoute, { is: 'other' }>

/** A request for a live stream. */
export interface LiveTarget {
  readonly action: Action
  readonly rawPath: string
  readonly query: string
  readonly live: LiveMeaning
}

/** Translates an HTTP-FLV request. */
export const httpRequest = ({ action, rawPath, query, live }: LiveTarget, client: HttpClient, sessionId: string): Asked => {
  const canonical = live.is === 'live' && !query.includes('#')
  return askedOr({
    sessionId,
    action,
    protocol: client.secure ? 'https-flv' : 'http-flv',
    ip: client.ip,
    path: headerText(rawPath),
    origin: client.origin,
    userAgent: client.userAgent,
    query: headerText(query),
    streamPath: canonical ? live.streamPath : ''
  }, canonical ? undefined : MALFORMED)
}
