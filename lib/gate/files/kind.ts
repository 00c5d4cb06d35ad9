import type { Family } from '../../hls/identity.js'

/** How the gate treats a file, by its name. */
export type FileKind =
  /** Served without a check. */
  | 'open'
  /** An HLS playlist. */
  | 'playlist'
  /** A DASH manifest. */
  | 'manifest'
  /** Fetched only by players of HLS and DASH. */
  | 'segment'
  /** A recording that is never part of an HLS or DASH stream. */
  | 'recording'
  /** A file of its own, or part of a stream in the same directory. */
  | 'other'

const PLAYLISTS = new Set(['.m3u8', '.m3u'])
const MANIFESTS = new Set(['.mpd'])
const SEGMENTS = new Set([
  '.ts', '.m2ts', '.m4s', '.m4a', '.m4v', '.cmfa', '.cmfv', '.cmft', '.aac', '.ac3', '.ec3', '.mp3', '.vtt', '.webvtt', '.key'
])
const RECORDINGS = new Set(['.flv'])

/** Which sessions may hold a file of each kind, and which kind it opens if there is none. A segment without a session is checked as HLS. */
export const FAMILIES: Readonly<Record<Exclude<FileKind, 'open'>, { readonly holders: readonly Family[], readonly opens: Family }>> = {
  playlist: { holders: ['hls'], opens: 'hls' },
  manifest: { holders: ['dash'], opens: 'dash' },
  segment: { holders: ['hls', 'dash'], opens: 'hls' },
  recording: { holders: ['file'], opens: 'file' },
  other: { holders: ['hls', 'dash', 'file'], opens: 'file' }
}

/**
 * Creates the classifier of files below the static route. A directory is open if its index page is, and so is the mount
 * itself, which Express redirects to its directory. Files with an unknown or missing extension are closed.
 *
 * @param open - lower-case extensions with their dot
 */
export const createFileKind = (open: readonly string[]): (file: string) => FileKind => {
  const isOpen = new Set(open)
  return (file) => {
    const name = file.slice(file.lastIndexOf('/') + 1)
    const extension = name === '' ? '.html' : /.(\.[^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? ''
    if (isOpen.has(extension)) return 'open'
    if (PLAYLISTS.has(extension)) return 'playlist'
    if (MANIFESTS.has(extension)) return 'manifest'
    if (SEGMENTS.has(extension)) return 'segment'
    return RECORDINGS.has(extension) ? 'recording' : 'other'
  }
}
