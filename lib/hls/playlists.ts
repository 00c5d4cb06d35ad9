import { hash } from 'node:crypto'
import { ownText } from './texts.js'
import type { CompiledPlaylist, PlaylistPlace } from './playlist.js'

/** One version of a playlist, compiled. */
export interface Version extends CompiledPlaylist {
  /** Identifies the version: a hash of its source and of everything else it depends on except the query. */
  readonly id: string
  /** Compiled for the place it was first read from. */
  readonly path: string
  readonly contentType: string
  /**
   * The validator by which the file server can say that the file has not changed; absent while the file is too young for
   * that to be certain.
   */
  readonly fileTag: string | undefined
}

/** What was read along with the text. */
export type About = Pick<Version, 'contentType' | 'fileTag'>

/** Compiles the text of one format. */
export type Compile = (source: Buffer, place: PlaylistPlace) => CompiledPlaylist

/** The playlists in use. */
export interface Playlists {
  /** The most recently read version. */
  last(place: PlaylistPlace): Version | undefined
  /** The version of a text; compiled unless it is the most recent one. */
  of(source: Buffer, place: PlaylistPlace, about: About, compile: Compile): Version
  /** Bytes kept. */
  readonly size: number
}

/** Most bytes kept: enough for a few of the longest playlists, or for thousands of live ones. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024
/** Fixed cost of one playlist, in bytes. */
const OVERHEAD_BYTES = 1024

/** Compiles each version of a playlist once, not once per viewer. */
export const createPlaylists = (maxBytes = MAX_KEPT_BYTES): Playlists => {
  const kept = new Map<string, Version>()
  let size = 0

  const costOf = ({ template }: Version): number => template.size + OVERHEAD_BYTES
  const drop = (key: string): void => {
    const version = kept.get(key)
    if (version === undefined) return
    kept.delete(key)
    size -= costOf(version)
  }
  /** The client chooses the host: without a separator it could run into the path of another playlist. */
  const keyWithOrigin = ({ origin, path }: PlaylistPlace): string => `${origin}\n${path}`
  const last = (place: PlaylistPlace): Version | undefined => kept.get(place.path) ?? kept.get(keyWithOrigin(place))

  return {
    last,
    of(source, place, about, compile) {
      const sourceId = hash('sha256', source, 'base64url')
      const before = last(place)
      const id = (version: Pick<Version, 'dependsOnOrigin'>): string => version.dependsOnOrigin ? hash('sha256', `${sourceId} ${place.origin}`, 'base64url') : sourceId
      const compiled = before !== undefined && before.id === id(before) ? before : compile(source, place)
      const version: Version = { ...compiled, ...about, id: id(compiled), path: before?.path ?? ownText(place.path) }
      drop(place.path)
      drop(keyWithOrigin(place))
      // The least recently read goes first.
      kept.set(version.dependsOnOrigin ? keyWithOrigin(place) : place.path, version)
      size += costOf(version)
      for (const key of kept.keys()) {
        if (size <= maxBytes) break
        drop(key)
      }
      return version
    },
    get size() { return size }
  }
}
