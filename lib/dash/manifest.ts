import { isAscii, isUtf8 } from 'node:buffer'
import type { CompiledPlaylist, PlaylistPlace } from '../hls/playlist.js'
import { TemplateBuilder } from '../hls/template.js'
import { createUris, queryPlace, type Uris } from '../hls/uris.js'
import { durationMs } from './duration.js'
import { Ownership } from './ownership.js'
import { readManifest, type ManifestText } from './reader.js'
import { escapeQuery, escapeXml } from './xml-text.js'

/**
 * Finds where each of the server's own URIs in a DASH manifest gets the client's query, because players do not repeat
 * the manifest's query. URIs that lead, or could lead, to another origin stay unchanged, so that a token never goes to
 * a stranger. Everything else stays the same to the byte, including comments and namespaces.
 *
 * Returns a `refusal` for anything that cannot be parsed as XML in UTF-8, has a document type or is not a manifest.
 *
 * @param ownOrigins - other origins that get the query, as formatted by `URL.origin`
 */
export const compileManifest = (source: Buffer, place: PlaylistPlace, ownOrigins: readonly string[] = []): CompiledPlaylist => {
  const uris = createUris(place, ownOrigins)
  try {
    if (!isUtf8(source)) throw new Error('it is not in UTF-8')
    const text = source.toString('utf8')
    return compile(source, text, readManifest(text), uris)
  } catch (error) {
    return {
      template: new TemplateBuilder(Buffer.alloc(0)).done(), directories: [], dependsOnOrigin: uris.dependOnOrigin(), kind: 'master', targetMs: 0,
      refusal: `the manifest cannot be read: ${(error as Error).message}`
    }
  }
}

const compile = (source: Buffer, text: string, { root, references }: ManifestText, uris: Uris): CompiledPlaylist => {
  const template = new TemplateBuilder(source, escapeQuery)
  const ownership = new Ownership(uris)
  const toByte = byteOffsets(source, text)
  for (const reference of references) {
    if (!takesQuery(reference.kind, reference.value) || !ownership.isOwn(reference)) continue
    const { from, to, value, isEscaped } = reference
    const written = isEscaped ? escapeXml(value) : value
    const before = value.slice(0, queryPlace(value))
    template.link(toByte(from), toByte(to), written, isEscaped ? escapeXml(before).length : before.length)
  }
  return {
    template: template.done(), directories: uris.directories(), dependsOnOrigin: uris.dependOnOrigin(),
    kind: root.type?.trim() === 'dynamic' ? 'live' : 'recording',
    targetMs: durationMs(root.maxSegmentDuration) || durationMs(root.minimumUpdatePeriod)
  }
}

/** A base that ends in a directory is never requested itself, and URIs relative to it drop its query. */
const takesQuery = (kind: string, value: string): boolean => {
  if (kind !== 'base') return true
  const end = value.search(/[?#]/)
  return !(end < 0 ? value : value.slice(0, end)).endsWith('/')
}

/** Returns the byte offset of a character; call it in ascending order. */
const byteOffsets = (source: Buffer, text: string): (at: number) => number => {
  if (isAscii(source)) return (at) => at
  let [character, byte] = [0, 0]
  return (at) => {
    byte += Buffer.byteLength(text.slice(character, at))
    character = at
    return byte
  }
}
