import { viewerQuery } from '../../access/hls-query.js'
import { marksOf } from '../../access/identity.js'
import type { AccessRequest } from '../../access/request.js'
import { hasPrefixes, prefixKeys, sessionKey, type Family, type Identity } from '../../hls/identity.js'
import { directoryOf } from '../../hls/stream-pattern.js'

/** What decides which session a file request belongs to. */
export interface Belonging {
  /** The kinds of session that may hold the file, most likely first. */
  readonly families: readonly Family[]
  /** Directory of the canonical path, with its trailing `/`. */
  readonly directory: string
  readonly identity: Identity
}

/** The kind of session that a file request may open. */
const familyOf = ({ protocol }: AccessRequest): Family => protocol === 'hls' || protocol === 'dash' ? protocol : 'file'

/** The session key for the directory of a request's path. */
export const keyOf = (request: AccessRequest): string =>
  sessionKey(familyOf(request), directoryOf(request.path), { ...marksOf(request), query: viewerQuery(request.query) })

/** The keys of all sessions that a request may belong to, most likely first. */
export const keysOf = ({ families, directory, identity }: Belonging): string[] => [
  ...families.map((family) => sessionKey(family, directory, identity)),
  ...families.flatMap((family) => [...prefixKeys(family, directory, identity)])
]

/** The first match among these keys. Keys are computed only as needed. */
export const findBy = <T>({ families, directory, identity }: Belonging, find: (key: string) => T | undefined): T | undefined => {
  for (const family of families) {
    const found = find(sessionKey(family, directory, identity))
    if (found !== undefined) return found
  }
  if (!hasPrefixes(identity)) return undefined
  for (const family of families) {
    for (const key of prefixKeys(family, directory, identity)) {
      const found = find(key)
      if (found !== undefined) return found
    }
  }
  return undefined
}
