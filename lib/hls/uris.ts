import { randomBytes } from 'node:crypto'
import type { PlaylistPlace } from './playlist.js'

/** Tells the URIs of one playlist that are the server's own from all others. */
export interface Uris {
  /** Whether the query may travel to where a URI leads; notes its directory if it is relative. */
  isOwn(uri: string): boolean
  directories(): string[]
  /** Whether it would answer otherwise under another origin. */
  dependOnOrigin(): boolean
}

/**
 * Directories of one playlist: more than a day's recording has with one for each minute, and few
 * enough for a session's memory.
 */
export const MAX_DIRECTORIES = 10_000

/** A path whose origin and directory depend on nothing but what comes before its last `/`; its last name cannot mean a directory. */
const SIMPLE = /^(?:[^?#:\\\0-\x20]+\/|\/)?[^/?#:\\\0-\x20.%][^/?#:\\\0-\x20]*(?:[?#]|$)/
/** A host that no link can name: what leads there is relative. */
const NOWHERE = `${randomBytes(16).toString('hex')}.invalid`

const urlOf = (text: string, base: string): URL | undefined => {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}

/** What a client calls the server chooses which absolute URIs get its query, but never what is covered: only a relative URI is. */
export const createUris = ({ origin, path }: PlaylistPlace, ownOrigins: readonly string[]): Uris => {
  const base = urlOf(path, origin)
  /** Of either scheme: `http:x` is relative to a page of the same scheme alone. */
  const nowhere = ['http', 'https'].map((scheme) => `${scheme}://${NOWHERE}${path}`)
  const directories = new Set<string>()
  const known = new Map<string, boolean>()
  let depends = false

  const isOwn = (uri: string): boolean => {
    const text = /^[\0-\x7f]*$/.test(uri) ? uri : Buffer.from(uri, 'latin1').toString('utf8')
    const [relative, secure] = nowhere.map((place) => urlOf(text, place))
    if (relative?.host === NOWHERE && secure?.host === NOWHERE) {
      if (directories.size < MAX_DIRECTORIES) directories.add(relative.pathname.slice(0, relative.pathname.lastIndexOf('/') + 1))
      return true
    }
    depends = true
    const url = base && urlOf(text, base.href)
    return url !== undefined && /^https?:$/.test(url.protocol) && (url.origin === base?.origin || ownOrigins.includes(url.origin))
  }

  return {
    // Thousands of URIs differ in no more than the file's name; to parse each would take a second.
    isOwn(uri) {
      if (uri.startsWith('//') || !SIMPLE.test(uri)) {
        depends = true
        return isOwn(uri)
      }
      const end = uri.search(/[?#]/)
      const parent = uri.slice(0, uri.lastIndexOf('/', end < 0 ? undefined : end) + 1)
      const own = known.get(parent) ?? isOwn(uri)
      if (known.size < MAX_DIRECTORIES) known.set(parent, own)
      return own
    },
    directories: () => [...directories],
    dependOnOrigin: () => depends
  }
}
