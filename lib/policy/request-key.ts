import { createHash } from 'node:crypto'
import { marksOf } from '../access/identity.js'
import { withoutHlsDirectives } from '../access/hls-query.js'
import { isForFiles, type AccessRequest, type Protocol } from '../access/request.js'

const FAMILIES: Readonly<Record<Protocol, string>> = {
  rtmp: 'rtmp', rtmps: 'rtmp', 'http-flv': 'flv', 'https-flv': 'flv', 'ws-flv': 'ws', 'wss-flv': 'ws', hls: 'hls', dash: 'dash', file: 'file'
}

/**
 * The key under which the backend's answers are remembered: action, protocol with or without TLS,
 * client address, stream, raw query and user agent. For HLS, DASH and other files the stream is the directory; the
 * directives that low-latency players add to each query do not count, nor the parts that
 * `files.identity` leaves out.
 *
 * Each part is preceded by its length, so that no client can move text from one part into another. The key
 * is a hash, because queries can be long and keys are many.
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
  // In UTF-16 different texts have different bytes, even with half a surrogate pair.
  return createHash('sha256').update(parts.map((part) => `${part.length}:${part}`).join(''), 'utf16le').digest('base64')
}
