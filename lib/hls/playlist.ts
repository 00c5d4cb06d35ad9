import { TemplateBuilder, type Template } from './template.js'
import { createUris, queryPlace } from './uris.js'
import { createVariables } from './variables.js'

/** Where a playlist was fetched from. */
export interface PlaylistPlace {
  /** Scheme, host and port as the client named them: `https://live.example.com`. */
  readonly origin: string
  /** The path as the client requested it, percent-encoded. */
  readonly path: string
}

/** A playlist that can be rendered for many viewers. */
export interface CompiledPlaylist {
  /** Its bytes, with placeholders for a viewer's query as `viewerQuery` returns it. */
  readonly template: Template
  /** Absolute, percent-encoded paths of the directories its own URIs point to, without duplicates. */
  readonly directories: readonly string[]
  /** Whether the result depends on the origin. */
  readonly dependsOnOrigin: boolean
  /** `recording`: complete; `live`: more segments will come; `master`: names no segments itself. */
  readonly kind: 'master' | 'live' | 'recording'
  /** Maximum duration of a segment, in milliseconds; 0 if the playlist does not say. */
  readonly targetMs: number
  /** Set if the playlist must not be sent to anybody: the reason. */
  readonly refusal?: string
}

const LINE = /[^\r\n]+/g
const QUOTED = /"[^"]*"/g
/** The UTF-8 byte order mark, one character per byte. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf'
/** A tag whose whole value is a URI; a draft of low-latency HLS had it. */
const PREFETCH = '#EXT-X-PREFETCH:'
const WHITE = ' \t\v\f'

/**
 * Finds where to insert the client's query into each own URI of a playlist, because players do not repeat a playlist's
 * query: the client's query first, then the URI's own, then the fragment. URIs of another or an unknown origin are left
 * alone, so that a token never goes to a third party. Everything else stays the same to the byte, in any encoding.
 *
 * A URI with its own query gets an `&` even if the client has no query, so that what precedes it is still the client's
 * (empty) query.
 *
 * @param ownOrigins - other origins that may receive the query, as in `URL.origin`
 */
export const compilePlaylist = (source: Buffer, place: PlaylistPlace, ownOrigins: readonly string[] = []): CompiledPlaylist => {
  // latin1: one character per byte, so that offsets in the string are offsets in the buffer.
  const text = source.toString('latin1')
  const variables = createVariables()
  const uris = createUris(place, ownOrigins)
  const template = new TemplateBuilder(source)
  /** A URI between two offsets, the second one exclusive. */
  const take = (from: number, to: number): void => {
    const uri = text.slice(from, to)
    if (uri === '') return
    const { text: written, resolved } = variables.expand(uri)
    if (resolved !== undefined && uris.isOwn(withoutPipe(resolved))) template.link(from, to, written, queryPlace(withoutPipe(written)))
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

/** The start and end of a line without surrounding white space. Only ASCII white space counts. */
const trimmed = (line: string, start: number): [from: number, to: number] => {
  let [from, to] = [start, line.length]
  while (from < to && WHITE.includes(line[from] ?? '')) from += 1
  while (from < to && WHITE.includes(line[to - 1] ?? '')) to -= 1
  return [from, to]
}

/** The URIs of a tag: in attributes, or its whole value. */
function * urisOfTag(line: string): Generator<[from: number, to: number]> {
  if (line.startsWith(PREFETCH)) yield trimmed(line, PREFETCH.length)
  if (!line.includes('URI=') && !line.includes('X-ASSET-LIST=')) return
  // Walks over every quoted string, because its content may look like an attribute.
  let before = 0
  for (const { 0: quoted, index } of line.matchAll(QUOTED)) {
    if (holdsUri(line.slice(before, index))) yield [index + 1, index + quoted.length - 1]
    before = index + quoted.length
  }
}

/**
 * Whether the text before a quoted string ends with the name of an attribute whose value is a URI:
 * `URI`, `SERVER-URI` and those of interstitials (RFC 8216bis).
 */
const holdsUri = (before: string): boolean => {
  const at = Math.max(before.lastIndexOf(','), before.lastIndexOf(':')) + 1
  const name = before.slice(at).trimStart()
  return at > 0 && (/^[A-Z0-9-]*-URI=$/.test(name) || name === 'URI=' || name === 'X-ASSET-LIST=')
}

/** Some players' channel lists append options to a URL: `index.m3u8|User-Agent=X`. */
const OPTIONS = /\|[\w-]+=/

const withoutPipe = (uri: string): string => {
  const at = uri.includes('|') ? uri.search(OPTIONS) : -1
  return at < 0 ? uri : uri.slice(0, at)
}

