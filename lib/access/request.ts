import type { IdentityPart } from './identity.js'

/** What a client wants to do with a stream. */
export type Action = 'play' | 'publish'

/** How a client reached the server. `file` is any static file that belongs to neither HLS nor DASH. */
export type Protocol = 'rtmp' | 'rtmps' | 'http-flv' | 'https-flv' | 'ws-flv' | 'wss-flv' | 'hls' | 'dash' | 'file'

/** Whether a request is for HLS, DASH or another file, whose sessions consist of many requests. */
export const isForFiles = ({ protocol }: Pick<AccessRequest, 'protocol'>): boolean => protocol === 'hls' || protocol === 'dash' || protocol === 'file'

/**
 * One client that wants one stream, independent of the protocol.
 * Strings come from the client as they are: they may contain any character, control characters included.
 */
export interface AccessRequest {
  /** The session's id in node-media-server's admin API. */
  readonly sessionId: string
  readonly action: Action
  readonly protocol: Protocol
  /** Client address without port, and without the `::ffff:` of a mapped IPv4 address. */
  readonly ip: string
  /** The requested path, canonical and not percent-encoded: `/live/s`, `/live/s.flv`. */
  readonly path: string
  /** Scheme, host, and the port if the client gave one: `rtmp://live.example.com:1935`. */
  readonly origin: string
  /** The `User-Agent`, over RTMP the `flashVer`; empty if the client sent none. */
  readonly userAgent: string
  /** Everything after the first `?`, as the client wrote it; empty without one. */
  readonly query: string
  /** `/app/name`, node-media-server's name of the stream. */
  readonly streamPath: string
  /** The parts that identify this viewer of files, if they are not query, address and user agent. */
  readonly identity?: readonly IdentityPart[]
  /** How often the backend was asked about this session before; absent in the first request. */
  readonly requestNumber?: number
}
