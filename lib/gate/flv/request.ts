import { askedOr, type Asked } from '../door/asked.js'
import type { HttpClient } from '../http/exchange.js'
import { headerText } from '../http/header-text.js'

const MALFORMED = 'ask for a live stream as /app/name.flv, letters, digits, _ and - only'

/** A request whose target is live, or looks as if it were (`null`). */
export interface LiveTarget {
  readonly method: string
  readonly rawPath: string
  readonly query: string
  readonly streamPath: string | null
}

/** Translates an HTTP-FLV request. */
export const httpRequest = ({ method, rawPath, query, streamPath }: LiveTarget, client: HttpClient, sessionId: string): Asked => {
  const canonical = streamPath !== null && !query.includes('#')
  return askedOr({
    sessionId,
    action: method === 'POST' ? 'publish' : 'play',
    protocol: client.secure ? 'https-flv' : 'http-flv',
    ip: client.ip,
    path: headerText(rawPath),
    origin: client.origin,
    userAgent: client.userAgent,
    query: headerText(query),
    streamPath: canonical ? streamPath : ''
  }, canonical ? undefined : MALFORMED)
}
