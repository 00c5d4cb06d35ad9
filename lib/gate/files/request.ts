import type { IdentityPart } from '../../access/identity.js'
import type { AccessRequest } from '../../access/request.js'
import type { Family } from '../../hls/identity.js'
import type { HttpClient } from '../http/exchange.js'
import { headerText } from '../http/header-text.js'

/** The parts of a file request that say what is wanted. */
export interface FileTarget {
  readonly protocol: Family
  /** Canonical path; the path as the client wrote it if it is malformed. */
  readonly path: string
  readonly query: string
  readonly streamPath: string
  /** See `AccessRequest`. */
  readonly identity?: readonly IdentityPart[] | undefined
}

/** Translates a request for HLS, DASH or another file into an `AccessRequest`. */
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
