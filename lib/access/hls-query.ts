/**
 * Removes from a raw query the `_HLS_*` directives that low-latency HLS players add to each
 * request (RFC 8216bis, 6.2.5). Everything else stays as the client wrote it.
 */
export const withoutHlsDirectives = (query: string): string =>
  query.includes('_HLS_') ? query.split('&').filter((part) => !part.startsWith('_HLS_')).join('&') : query

/**
 * The form of a raw query that identifies sessions and that playlists carry: without `_HLS_*` directives, and with
 * escapes for characters that a playlist cannot contain. Nothing is decoded.
 */
export const viewerQuery = (raw: string): string =>
  withoutHlsDirectives(raw).replace(/[^\x21\x23-\x7e]|#/gu, (character) => /\p{Surrogate}/u.test(character) ? '%EF%BF%BD' : encodeURIComponent(character))

/**
 * A query for DASH manifests. `$` delimits the identifiers of `SegmentTemplate`; some players read `$$` as a plain `$`
 * and some do not, and some look for identifiers in other URIs, too. The escape `%24` works for all.
 */
export const withoutDollars = (query: string): string => query.replaceAll('$', '%24')

/** Prefixes of a query that are tried: a player's query has a few parameters, not dozens. */
const MAX_PREFIXES = 32

/**
 * Where the shorter queries end whose sessions a request may belong to: at each `&`, and at each `?` after which the
 * whole prefix is repeated, because some players append their query to every URL. The shortest comes first.
 */
export function* prefixEnds(query: string): Generator<number> {
  let tried = 0
  for (let at = nextEnd(query, 0); at >= 0 && tried < MAX_PREFIXES; at = nextEnd(query, at + 1), tried++) {
    if (query[at] !== '?' || isRepeated(query, at)) yield at
  }
}

/** Whether the text before a `?` is repeated in full after it. */
const isRepeated = (query: string, at: number): boolean =>
  query.startsWith(query.slice(0, at), at + 1) && ['', '&', '?'].includes(query.charAt(2 * at + 1))

const nextEnd = (query: string, from: number): number => {
  const [and, mark] = [query.indexOf('&', from), query.indexOf('?', from)]
  return and < 0 || mark < 0 ? Math.max(and, mark) : Math.min(and, mark)
}
