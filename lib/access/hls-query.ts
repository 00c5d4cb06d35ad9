/**
 * A raw query without the `_HLS_*` directives that a low-latency HLS player adds to each of its
 * requests (RFC 8216bis, 6.2.5); everything else stays as the client wrote it.
 */
export const withoutHlsDirectives = (query: string): string =>
  query.includes('_HLS_') ? query.split('&').filter((part) => !part.startsWith('_HLS_')).join('&') : query
