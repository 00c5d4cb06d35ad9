import type { IdentityPart } from '../../access/identity.js'
import type { AccessRequest } from '../../access/request.js'
import type { HttpClient } from '../http/exchange.js'
import { headerText } from '../http/header-text.js'

/** What of a request for a file below the static route says what is wanted. */
export interface FileTarget {
  readonly protocol: 'hls' | 'file'
  /** Canonical; as the client wrote it, if it is not. */
  readonly path: string
  readonly query: string
  readonly streamPath: string
  /** See `AccessRequest`. */
  readonly identity?: readonly IdentityPart[] | undefined
}

/** Translates a request for HLS or another file. */
export const fileRequest = ({ protocol, path, query, streamPath, identity }: FileTarget, client: HttpClient, sessionId: string): AccessRequest => ({
  sessionId,
  action: 'play',
  protocol,
  ip: client.ip,
  path,
  origin: client.origin,
  userAgent: client.userAgent,
  query: headerText(query),
  streamPath,
  ...(identity !== undefined && { identity })
})
