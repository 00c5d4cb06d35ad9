import type { Action } from '../../access/request.js'
import { askedOr, type Asked } from '../door/asked.js'
import type { HttpClient } from '../http/exchange.js'
import { headerText } from '../http/header-text.js'
import { webSocketStreamPath } from '../../nms/v4/stream-path.js'

const MALFORMED = 'open a WebSocket on /app/name or /app/name.flv, letters, digits, _ and - only'

/** Translates a WebSocket-FLV handshake. */
export const webSocketRequest = (
  { action, rawPath, query }: { action: Action, rawPath: string, query: string }, client: HttpClient, sessionId: string
): Asked => {
  const streamPath = webSocketStreamPath(rawPath)
  return askedOr({
    sessionId,
    action,
    protocol: client.secure ? 'wss-flv' : 'ws-flv',
    ip: client.ip,
    path: headerText(rawPath),
    origin: client.origin,
    userAgent: client.userAgent,
    query: headerText(query),
    streamPath: streamPath ?? ''
  }, streamPath === undefined || query.includes('#') ? MALFORMED : undefined)
}
