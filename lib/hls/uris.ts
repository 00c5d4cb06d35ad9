import { randomBytes } from 'node:crypto'
import type { PlaylistPlace } from './playlist.js'

/** Tells the URIs of one playlist that are the server's own from all others. */
export interface Uris {
  /**
   * Whether the query may travel to where a URI leads; notes its directory if it is relative.
   * @param uri - a character for each byte
   * @param covers - whether its directory is to be noted. Default true
   */
  isOwn(uri: string, covers?: boolean): boolean
  /** The same for what is relative to where this URI leads; what is noted is noted for both. */
  below(uri: string): Uris
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

/** What URIs are relative to, a URL each; `undefined` if it cannot be one. */
interface Base {
  /** Below a host that no link can name, by either scheme: `http:x` is relative to a page of the same scheme alone. */
  readonly nowhere: readonly (string | undefined)[]
  /** Below the host that the client names. */
  readonly real: URL | undefined
}

const utf8 = (uri: string): string => /^[\0-\x7f]*$/.test(uri) ? uri : Buffer.from(uri, 'latin1').toString('utf8')

/** What a client calls the server chooses which absolute URIs get its query, but never what is covered: only a relative URI is. */
export const createUris = ({ origin, path }: PlaylistPlace, ownOrigins: readonly string[]): Uris => {
  const directories = new Set<string>()
  let depends = false

  const relativeTo = ({ nowhere, real }: Base): Uris => {
    const known = new Map<string, boolean>()
    const bases = new Map<string, Uris>()
    const isOwn = (uri: string, covers = true): boolean => {
      const text = utf8(uri)
      const [relative, secure] = nowhere.map((base) => base === undefined ? undefined : urlOf(text, base))
      if (relative?.host === NOWHERE && secure?.host === NOWHERE) {
        if (covers && directories.size < MAX_DIRECTORIES) directories.add(relative.pathname.slice(0, relative.pathname.lastIndexOf('/') + 1))
        return true
      }
      depends = true
      const url = real && urlOf(text, real.href)
      return url !== undefined && /^https?:$/.test(url.protocol) && (url.origin === originUrl?.origin || ownOrigins.includes(url.origin))
    }
    return {
      // Thousands of URIs differ in no more than the file's name; to parse each would take a second.
      isOwn(uri, covers = true) {
        if (uri.startsWith('//') || !SIMPLE.test(uri)) depends = true
        else if (covers) {
          const end = uri.search(/[?#]/)
          const parent = uri.slice(0, uri.lastIndexOf('/', end < 0 ? undefined : end) + 1)
          const own = known.get(parent) ?? isOwn(uri)
          if (known.size < MAX_DIRECTORIES) known.set(parent, own)
          return own
        }
        return isOwn(uri, covers)
      },
      below(uri) {
        const before = bases.get(uri)
        if (before !== undefined) return before
        const text = utf8(uri)
        const uris = relativeTo({
          nowhere: nowhere.map((base) => base === undefined ? undefined : urlOf(text, base)?.href), real: real && urlOf(text, real.href)
        })
        bases.set(uri, uris)
        return uris
      },
      directories: () => [...directories],
      dependOnOrigin: () => depends
    }
  }

  const originUrl = urlOf(path, origin)
  return relativeTo({ nowhere: ['http', 'https'].map((scheme) => `${scheme}://${NOWHERE}${path}`), real: originUrl })
}

/** Where in a URI the client's query goes: behind its `?`, or before what follows the path. */
export const queryPlace = (uri: string): number => {
  const fragment = uri.indexOf('#')
  const target = fragment < 0 ? uri : uri.slice(0, fragment)
  const mark = target.indexOf('?')
  return mark < 0 ? target.length : mark + 1
}
