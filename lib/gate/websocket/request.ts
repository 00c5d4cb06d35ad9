import type { Action } from '../../access/request.js'
import { askedOr, type Asked } from '../door/asked.js'
import type { HttpClient } from '../http/exchange.js'
import { headerText } from '../http/header-text.js'

const MALFORMED = 'open a WebSocket on /app/name or /app/name.flv, letters, digits, _ and - only'

/** The parts of a handshake that say what is wanted. */
export interface WebSocketTarget {
  readonly action: Action
  readonly rawPath: string
  readonly query: string
  /** `undefined` if it names no stream. */
  readonly streamPath: string | undefined
}

/** Translates a WebSocket-FLV handshake. */
export const webSocketRequest = (
  { action, rawPath, query, streamPath }: WebSocketTarget, client: HttpClient, sessionId: string
): Asked => askedOr({
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
