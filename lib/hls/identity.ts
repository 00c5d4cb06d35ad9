import { createHash, hash, type Hash } from 'node:crypto'
import type { IdentityPart } from '../access/identity.js'
import { withoutHlsDirectives } from '../access/hls-query.js'

/** What a session of an HLS player may hold, and what one of other files may. */
export type Family = 'hls' | 'file'

/** What is the same in all requests of one viewer's session. */
export interface Identity {
  readonly ip: string
  readonly userAgent: string
  /** As `viewerQuery` makes it. */
  readonly query: string
}

/** Prefixes of a query that are looked at: a player's own has a few parameters, not dozens. */
const MAX_PREFIXES = 32

/**
 * A raw query as sessions are known by, and as playlists carry it: without `_HLS_*` directives,
 * and with escapes for what can stand in no playlist. Nothing is decoded.
 */
export const viewerQuery = (raw: string): string =>
  withoutHlsDirectives(raw).replace(/[^\x21\x23-\x7e]|#/gu, (character) => /\p{Surrogate}/u.test(character) ? '%EF%BF%BD' : encodeURIComponent(character))

/**
 * What tells a viewer with this query from another, where that is not everything. Who has no query is
 * known by address and user agent whatever the operator says: else all of them would be one.
 *
 * @param query as `viewerQuery` makes it
 */
export const identityFor = (parts: readonly IdentityPart[], query: string): readonly IdentityPart[] | undefined =>
  query === '' || (parts.includes('address') && parts.includes('userAgent')) ? undefined : parts

/** A header of its own length before each part, so that no client can move text from one into another. */
const head = (family: Family, directory: string, { ip, userAgent }: Identity): string =>
  [family, ip, directory, userAgent].map((part) => `${part.length}:${part}`).join('')

/** What one directory of one session is registered by. Hashed, because a query may be long and keys are many. */
export const sessionKey = (family: Family, directory: string, identity: Identity): string =>
  hash('sha256', head(family, directory, identity) + identity.query, 'base64')

/** Whether there may be keys of shorter queries. */
export const hasPrefixes = ({ query }: Identity): boolean => /[&?]/.test(query)

/**
 * The keys of sessions to which a request belongs whose own query is longer: one for each `&` at
 * which a prefix of it ends, and one for each `?` behind which the prefix comes again, since some
 * players append their query to every URL; the shortest first. Takes time in proportion to the
 * query's length.
 */
export function* prefixKeys(family: Family, directory: string, identity: Identity): Generator<string> {
  const { query } = identity
  let running: Hash | undefined
  let [from, tried] = [0, 0]
  for (let at = nextEnd(query, 0); at >= 0 && tried < MAX_PREFIXES; at = nextEnd(query, at + 1), tried++) {
    if (query[at] === '?' && !isRepeated(query, at)) continue
    running ??= createHash('sha256').update(head(family, directory, identity))
    running.update(query.slice(from, at))
    yield running.copy().digest('base64')
    from = at
  }
}

/** Whether what stands before a `?` stands behind it again, as a whole. */
const isRepeated = (query: string, at: number): boolean =>
  query.startsWith(query.slice(0, at), at + 1) && ['', '&', '?'].includes(query.charAt(2 * at + 1))

const nextEnd = (query: string, from: number): number => {
  const [and, mark] = [query.indexOf('&', from), query.indexOf('?', from)]
  return and < 0 || mark < 0 ? Math.max(and, mark) : Math.min(and, mark)
}
