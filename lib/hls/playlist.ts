import { createVariables, type Variables } from './variables.js'

/** Where a playlist was fetched. */
export interface PlaylistPlace {
  /** Scheme, host and port as the client named them: `https://live.example.com`. */
  readonly origin: string
  /** Its path as the client asked for it, percent-encoded. */
  readonly path: string
}

/** A playlist that can be written for one viewer after another. */
export interface CompiledPlaylist {
  /** Absolute, percent-encoded paths of the directories that its same-origin URIs are in; each once. */
  readonly directories: readonly string[]
  /** Its text for the viewer who has this query, as `viewerQuery` makes it. */
  write(query: string): string
}

/** Distinct directories that are looked for in one playlist. */
const MAX_DIRECTORIES = 256

/**
 * Attributes whose value is a URI: `URI`, `SERVER-URI` and those of interstitials (RFC 8216bis).
 * Other quoted strings are matched, too: what is in them may look like an attribute.
 */
const QUOTED_OR_URI = /([:,]\s*)((?:[A-Z0-9-]*-)?URI|X-ASSET-LIST)="([^"]*)"|"[^"]*"/g
/** Tags whose value is a URI alone; a draft of low-latency HLS had it. */
const URI_TAG = /^(#EXT-X-PREFETCH:\s*)(\S+)/

/** Marks the place of a client's query; no text has it. */
const MARK = '\0'

/**
 * Finds where every same-origin URI of a playlist gets the client's query, for players do not repeat
 * a playlist's query: the client's first, then the URI's own, the fragment last. URIs of another
 * origin, or of one that cannot be known, stay as they are, so that a token never goes to a
 * stranger. All else is unchanged to the byte.
 *
 * A URI with a query of its own gets an `&` also where the client has none, so that what comes
 * before it is still the client's, empty, query.
 *
 * @param text - without NUL
 */
export const compilePlaylist = (text: string, place: PlaylistPlace): CompiledPlaylist => {
  const variables = createVariables()
  const uris = createUris(place, variables)
  const parts = text.split(/([\r\n]+)/).map((line, index) => {
    if (index % 2 === 1) return line
    if (!/^\ufeff?#/.test(line)) return rewriteUriLine(line, uris)
    if (!line.startsWith('#EXT')) return line
    if (line.startsWith('#EXT-X-DEFINE:')) variables.define(line)
    if (URI_TAG.test(line)) return line.replace(URI_TAG, (_, tag: string, uri: string) => tag + uris.rewrite(uri))
    return line.replace(QUOTED_OR_URI, (whole, before?: string, name?: string, uri?: string) =>
      name === undefined || !uri ? whole : `${before}${name}="${uris.rewrite(uri)}"`)
  }).join('').split(MARK)
  return {
    directories: uris.directories(),
    write: (query) => query === ''
      ? parts.reduce((before, part) => `${before}${part.startsWith('&') ? '?' : ''}${part}`)
      : parts.join(`?${query}`)
  }
}

/** White space around a URI, a byte order mark included, stays. */
const rewriteUriLine = (line: string, uris: Uris): string => {
  const uri = line.trim()
  if (uri === '') return line
  const at = line.indexOf(uri)
  return line.slice(0, at) + uris.rewrite(uri) + line.slice(at + uri.length)
}

interface Uris {
  rewrite(uri: string): string
  directories(): string[]
}

/** A path whose origin and directory depend on nothing but what comes before its last `/`. */
const SIMPLE = /^(?!\/\/)((?:[^?#:\\\0-\x20]*\/)?)[^/?#:\\\0-\x20]+(?:[?#]|$)/

const urlOf = (text: string, base: string): URL | undefined => {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}

const createUris = ({ origin, path }: PlaylistPlace, variables: Variables): Uris => {
  const base = urlOf(path, origin)
  const directories = new Set<string>()
  const known = new Map<string, boolean>()

  /** Whether a URI leads to where the playlist came from; notes its directory. */
  const isOwn = (uri: string): boolean => {
    const url = base && urlOf(uri, base.href)
    if (url === undefined || url.origin !== base?.origin || !/^https?:$/.test(url.protocol)) return false
    if (directories.size < MAX_DIRECTORIES) directories.add(url.pathname.slice(0, url.pathname.lastIndexOf('/') + 1))
    return true
  }
  /** The same, without parsing each of thousands of URIs that differ in no more than the file's name. */
  const isOwnQuickly = (uri: string): boolean => {
    const [, parent] = SIMPLE.exec(uri) ?? []
    if (parent === undefined) return isOwn(uri)
    const own = known.get(parent) ?? isOwn(uri)
    if (known.size < MAX_DIRECTORIES) known.set(parent, own)
    return own
  }

  return {
    directories: () => [...directories],
    rewrite(uri) {
      const { text, resolved } = variables.expand(uri)
      return resolved === undefined || !isOwnQuickly(resolved) ? uri : markQuery(text)
    }
  }
}

/** Marks where in a URI the client's query goes; its own follows behind an `&`. */
const markQuery = (uri: string): string => {
  const [target = ''] = uri.split('#', 1)
  const fragment = uri.slice(target.length)
  const mark = target.indexOf('?')
  return mark < 0 ? `${target}${MARK}${fragment}` : `${target.slice(0, mark)}${MARK}&${target.slice(mark + 1)}${fragment}`
}
