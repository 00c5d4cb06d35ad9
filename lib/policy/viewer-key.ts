import { createHash, type Hash } from 'node:crypto'
import { prefixEnds, viewerQuery, withoutDollars } from '../access/hls-query.js'
import { marksOf } from '../access/identity.js'
import type { AccessRequest } from '../access/request.js'

const headOf = (request: AccessRequest): Hash => {
  const { ip, userAgent } = marksOf(request)
  return createHash('sha256').update([ip, userAgent].map((part) => `${part.length}:${part}`).join(''))
}

/** A DASH viewer's query may come with `$` or with its escape. */
const queryOf = ({ query }: AccessRequest): string => withoutDollars(viewerQuery(query))

/** Identifies a viewer of files in any directory: by address, user agent and query. */
export const viewerKey = (request: AccessRequest): string => headOf(request).update(queryOf(request)).digest('base64')

/** The keys of all viewers that a request may belong to: those with this query, or with a shorter one that it begins with. */
export const viewerKeys = (request: AccessRequest): string[] => {
  const query = queryOf(request)
  const running = headOf(request)
  const keys: string[] = []
  let from = 0
  for (const end of [...prefixEnds(query), query.length]) {
    running.update(query.slice(from, end))
    keys.push(running.copy().digest('base64'))
    from = end
  }
  return keys
}
