import { hash } from 'node:crypto'
import { ownText } from './texts.js'
import type { CompiledPlaylist, PlaylistPlace } from './playlist.js'

/** A version of a file's text, compiled. */
export interface Version extends CompiledPlaylist {
  /** Tells it from every other: the hash of its source, and of all else that it depends on but the query. */
  readonly id: string
  /** Of the place it was first read from. */
  readonly path: string
  readonly contentType: string
  /**
   * By which the file's server can say that it has not changed since; absent where that would not be
   * certain, since the file was still young.
   */
  readonly fileTag: string | undefined
}

/** What came with a text. */
export type About = Pick<Version, 'contentType' | 'fileTag'>

/** The playlists that are fetched now. */
export interface Playlists {
  /** The version that was read last. */
  last(place: PlaylistPlace): Version | undefined
  /** Compiles a version, unless it is the last one. */
  of(source: Buffer, place: PlaylistPlace, about: About): Version
  /** Bytes that are kept. */
  readonly size: number
}

/** Bytes of all that are kept: some of the longest, or some thousands of live ones. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024
/** What a short one costs beyond its text. */
const OVERHEAD_BYTES = 1024

/** Compiles a version of a playlist once, not once for each of the thousands who watch. */
export const createPlaylists = (
  compile: (source: Buffer, place: PlaylistPlace) => CompiledPlaylist, maxBytes = MAX_KEPT_BYTES
): Playlists => {
  const kept = new Map<string, Version>()
  let size = 0

  const costOf = ({ template }: Version): number => template.size + OVERHEAD_BYTES
  const drop = (key: string): void => {
    const version = kept.get(key)
    if (version === undefined) return
    kept.delete(key)
    size -= costOf(version)
  }
  /** The host is what the client says: without a separator it could end as another playlist's path begins. */
  const keyWithOrigin = ({ origin, path }: PlaylistPlace): string => `${origin}\n${path}`
  const last = (place: PlaylistPlace): Version | undefined => kept.get(place.path) ?? kept.get(keyWithOrigin(place))

  return {
    last,
    of(source, place, about) {
      const sourceId = hash('sha256', source, 'base64url')
      const before = last(place)
      const id = (version: Pick<Version, 'dependsOnOrigin'>): string => version.dependsOnOrigin ? hash('sha256', `${sourceId} ${place.origin}`, 'base64url') : sourceId
      const compiled = before !== undefined && before.id === id(before) ? before : compile(source, place)
      const version: Version = { ...compiled, ...about, id: id(compiled), path: before?.path ?? ownText(place.path) }
      drop(place.path)
      drop(keyWithOrigin(place))
      // The one that was read longest ago goes first.
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
