import { compilePlaylist, type CompiledPlaylist, type PlaylistPlace } from './playlist.js'

/** The playlists that are fetched now. */
export interface Playlists {
  /** The compiled playlist; as it was made for the last viewer if neither place nor text has changed. */
  of(text: string, place: PlaylistPlace): CompiledPlaylist
}

/** Playlists that are kept at most. */
const MAX_KEPT = 256
/** A live playlist has some kilobytes. Larger ones are recordings', which are fetched once by each viewer. */
const MAX_LENGTH = 16 * 1024

/** Compiles a version of a playlist once, not once for each of the thousands who watch. */
export const createPlaylists = (compile = compilePlaylist): Playlists => {
  const kept = new Map<string, { text: string, compiled: CompiledPlaylist }>()
  return {
    of(text, place) {
      if (text.length > MAX_LENGTH) return compile(text, place)
      // The host is what the client says: without a separator it could end as another playlist's path begins.
      const key = `${place.origin}\n${place.path}`
      const last = kept.get(key)
      if (last?.text === text) return last.compiled
      const compiled = compile(text, place)
      // The one that changed longest ago goes first.
      kept.delete(key)
      kept.set(key, { text, compiled })
      if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value as string)
      return compiled
    }
  }
}
