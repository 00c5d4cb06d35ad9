import { createHash } from 'node:crypto'
import { marksOf } from '../access/identity.js'
import { withoutHlsDirectives } from '../access/hls-query.js'
import type { AccessRequest, Protocol } from '../access/request.js'

const FAMILIES: Readonly<Record<Protocol, string>> = {
  rtmp: 'rtmp', rtmps: 'rtmp', 'http-flv': 'flv', 'https-flv': 'flv', 'ws-flv': 'ws', 'wss-flv': 'ws', hls: 'hls', file: 'file'
}

/** Whether a request is for HLS or another file, so that its session is many requests. */
export const isForFiles = ({ protocol }: Pick<AccessRequest, 'protocol'>): boolean => protocol === 'hls' || protocol === 'file'

/**
 * What makes two access requests the same one for the backend's answers: action, protocol with or
 * without TLS, client address, stream, raw query and user agent. For HLS and files the stream is
 * the directory, and the directives that a low-latency player adds to each query do not count, nor what
 * `files.identity` leaves out.
 *
 * Each part goes in with its length before it, so no client can move text from one into another;
 * hashed, because a query may be long and the keys are many.
 */
export const requestKey = (request: AccessRequest): string => {
  const { action, protocol, path, streamPath, query } = request
  const { ip, userAgent } = marksOf(request)
  const files = isForFiles({ protocol })
  const parts = [
    action, FAMILIES[protocol], ip,
    files ? path.slice(0, path.lastIndexOf('/') + 1) : streamPath,
    files ? withoutHlsDirectives(query) : query,
    userAgent
  ]
  // As UTF-16 every text has bytes of its own, also one with half a surrogate pair.
  return createHash('sha256').update(parts.map((part) => `${part.length}:${part}`).join(''), 'utf16le').digest('base64')
}
