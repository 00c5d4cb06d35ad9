import { TemplateBuilder, type Template } from './template.js'
import { createUris } from './uris.js'
import { createVariables } from './variables.js'

/** Where a playlist was fetched. */
export interface PlaylistPlace {
  /** Scheme, host and port as the client named them: `https://live.example.com`. */
  readonly origin: string
  /** Its path as the client asked for it, percent-encoded. */
  readonly path: string
}

/** A playlist that can be written for one viewer after another. */
export interface CompiledPlaylist {
  /** Its bytes, with places for a viewer's query as `viewerQuery` makes it. */
  readonly template: Template
  /** Absolute, percent-encoded paths of the directories that its relative URIs lead to; each once. */
  readonly directories: readonly string[]
  /** Whether it would be another under another origin. */
  readonly dependsOnOrigin: boolean
  /** A `recording` is whole, of a `live` one more is to come, a `master` names no segments itself. */
  readonly kind: 'master' | 'live' | 'recording'
  /** The longest that one of its segments may be, in milliseconds; 0 if it does not say. */
  readonly targetMs: number
}

const LINE = /[^\r\n]+/g
const QUOTED = /"[^"]*"/g
/** UTF-8's byte order mark, a character for each byte. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf'
/** A tag whose value is a URI alone; a draft of low-latency HLS had it. */
const PREFETCH = '#EXT-X-PREFETCH:'
const WHITE = ' \t\v\f'

/**
 * Finds where every own URI of a playlist gets the client's query, for players do not repeat a
 * playlist's query: the client's first, then the URI's own, the fragment last. URIs of another
 * origin, or of one that cannot be known, stay as they are, so that a token never goes to a
 * stranger. All else is unchanged to the byte, in whichever encoding it is.
 *
 * A URI with a query of its own gets an `&` also where the client has none, so that what comes
 * before it is still the client's, empty, query.
 *
 * @param ownOrigins - other origins to which the query may travel, as `URL.origin` writes them
 */
export const compilePlaylist = (source: Buffer, place: PlaylistPlace, ownOrigins: readonly string[] = []): CompiledPlaylist => {
  // One character for each byte, so that an offset in the one is an offset in the other.
  const text = source.toString('latin1')
  const variables = createVariables()
  const uris = createUris(place, ownOrigins)
  const template = new TemplateBuilder(source)
  /** A URI from one offset to before another. */
  const take = (from: number, to: number): void => {
    const uri = text.slice(from, to)
    if (uri === '') return
    const { text: written, resolved } = variables.expand(uri)
    if (resolved !== undefined && uris.isOwn(withoutPipe(resolved))) template.link(from, to, written, queryPlace(written))
  }
  let [hasSegments, isWhole] = [false, false]
  let targetMs = 0
  for (const { 0: line, index } of text.matchAll(LINE)) {
    if (line.startsWith('#EXT')) {
      hasSegments ||= line.startsWith('#EXTINF') || line.startsWith('#EXT-X-TARGETDURATION')
      isWhole ||= line.startsWith('#EXT-X-ENDLIST') || line.startsWith('#EXT-X-PLAYLIST-TYPE:VOD')
      targetMs ||= 1000 * Number(/^#EXT-X-TARGETDURATION:(\d{1,5})/.exec(line)?.[1] ?? 0)
      if (line.startsWith('#EXT-X-DEFINE:')) variables.define(line)
      for (const [from, to] of urisOfTag(line)) take(index + from, index + to)
    } else {
      const start = line.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
      if (line[start] === '#') continue
      const [from, to] = trimmed(line, start)
      take(index + from, index + to)
    }
  }
  return {
    template: template.done(), directories: uris.directories(), dependsOnOrigin: uris.dependOnOrigin(),
    targetMs, kind: isWhole ? 'recording' : hasSegments ? 'live' : 'master'
  }
}

/** Where a line without the white space around it begins and ends. Bytes of other writing systems are no white space. */
const trimmed = (line: string, start: number): [from: number, to: number] => {
  let [from, to] = [start, line.length]
  while (from < to && WHITE.includes(line[from] ?? '')) from += 1
  while (from < to && WHITE.includes(line[to - 1] ?? '')) to -= 1
  return [from, to]
}

/** Where the URIs of a tag are: in attributes, or its whole value. */
function * urisOfTag(line: string): Generator<[from: number, to: number]> {
  if (line.startsWith(PREFETCH)) yield trimmed(line, PREFETCH.length)
  if (!line.includes('URI=') && !line.includes('X-ASSET-LIST=')) return
  // Every quoted text is looked at: what is in one may look like an attribute.
  let before = 0
  for (const { 0: quoted, index } of line.matchAll(QUOTED)) {
    if (holdsUri(line.slice(before, index))) yield [index + 1, index + quoted.length - 1]
    before = index + quoted.length
  }
}

/**
 * Whether what stands before a quoted text ends in the name of an attribute whose value is a URI:
 * `URI`, `SERVER-URI` and those of interstitials (RFC 8216bis).
 */
const holdsUri = (before: string): boolean => {
  const at = Math.max(before.lastIndexOf(','), before.lastIndexOf(':')) + 1
  const name = before.slice(at).trimStart()
  return at > 0 && (/^[A-Z0-9-]*-URI=$/.test(name) || name === 'URI=' || name === 'X-ASSET-LIST=')
}

/** Some players' lists have options behind a URL: `index.m3u8|User-Agent=X`. */
const OPTIONS = /\|[\w-]+=/

const withoutPipe = (uri: string): string => {
  const at = uri.includes('|') ? uri.search(OPTIONS) : -1
  return at < 0 ? uri : uri.slice(0, at)
}

/** Where in a URI the client's query goes: behind its `?`, or before what follows the path. */
const queryPlace = (uri: string): number => {
  const whole = withoutPipe(uri)
  const fragment = whole.indexOf('#')
  const target = fragment < 0 ? whole : whole.slice(0, fragment)
  const mark = target.indexOf('?')
  return mark < 0 ? target.length : mark + 1
}
