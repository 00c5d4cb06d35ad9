import { createHash, hash, type Hash } from 'node:crypto'
import type { IdentityPart } from '../access/identity.js'
import { prefixEnds, withoutDollars } from '../access/hls-query.js'

/** A session covers the files of one kind of player only. */
export type Family = 'hls' | 'dash' | 'file'

/** What all requests of one viewer's session have in common. */
export interface Identity {
  readonly ip: string
  readonly userAgent: string
  /** As `viewerQuery` of `access/hls-query` makes it. */
  readonly query: string
}

/**
 * The part of the query that identifies a viewer. Viewers without a query are identified by address and user agent,
 * whatever the options say: otherwise they would all share one session.
 *
 * @param query as `access/hls-query` makes it
 */
export const identityFor = (parts: readonly IdentityPart[], query: string): readonly IdentityPart[] | undefined =>
  query === '' || (parts.includes('address') && parts.includes('userAgent')) ? undefined : parts

/** Each part is prefixed with its length, so that a client cannot move text from one part into the next. */
const head = (family: Family, directory: string, { ip, userAgent }: Identity): string =>
  [family, ip, directory, userAgent].map((part) => `${part.length}:${part}`).join('')

const queryOf = (family: Family, { query }: Identity): string => family === 'dash' ? withoutDollars(query) : query

/** The key of one directory of one session. Hashed, because queries can be long and there are many keys. */
export const sessionKey = (family: Family, directory: string, identity: Identity): string =>
  hash('sha256', head(family, directory, identity) + queryOf(family, identity), 'base64')

/** Whether a shorter query could have a session. */
export const hasPrefixes = ({ query }: Identity): boolean => /[&?]/.test(query)

/**
 * Keys of sessions that a request may belong to although its query is longer, the shortest query first. Linear in the
 * length of the query.
 */
export function* prefixKeys(family: Family, directory: string, identity: Identity): Generator<string> {
  const query = queryOf(family, identity)
  let running: Hash | undefined
  let from = 0
  for (const end of prefixEnds(query)) {
    running ??= createHash('sha256').update(head(family, directory, identity))
    running.update(query.slice(from, end))
    yield running.copy().digest('base64')
    from = end
  }
}
