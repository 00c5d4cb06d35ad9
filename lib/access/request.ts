import type { IdentityPart } from './identity.js'

/** What a client wants to do with a stream. */
export type Action = 'play' | 'publish'

/** How a client reached the server. `file` is any static file that is not HLS. */
export type Protocol = 'rtmp' | 'rtmps' | 'http-flv' | 'https-flv' | 'ws-flv' | 'wss-flv' | 'hls' | 'file'

/**
 * One client that wants one stream, in words that no protocol owns.
 * Strings are the client's own: they may hold any character, control characters included.
 */
export interface AccessRequest {
  /** The id that the session has, or will have, in node-media-server's admin API. */
  readonly sessionId: string
  readonly action: Action
  readonly protocol: Protocol
  /** Client address without port, without the `::ffff:` of a mapped IPv4 address. */
  readonly ip: string
  /** Path as the client asked for it, canonical and not percent-encoded: `/live/s`, `/live/s.flv`. */
  readonly path: string
  /** Scheme, host, and the port if the client named one: `rtmp://live.example.com:1935`. */
  readonly origin: string
  /** `User-Agent`, for RTMP the `flashVer`; empty if the client sent none. */
  readonly userAgent: string
  /** What followed the first `?`, as the client wrote it; empty if there was none. */
  readonly query: string
  /** `/app/name`, the stream as node-media-server names it. */
  readonly streamPath: string
  /** What tells this viewer of files from another, where that is not query, address and user agent. */
  readonly identity?: readonly IdentityPart[]
  /** How often this session was asked about before; absent on the first question. */
  readonly requestNumber?: number
}
