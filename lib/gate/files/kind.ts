import type { Family } from '../../hls/identity.js'

/** What a file is to the door, by its name. */
export type FileKind =
  /** Served without asking. */
  | 'open'
  | 'playlist'
  /** What only HLS players fetch. */
  | 'segment'
  /** A recording that is never a part of HLS. */
  | 'recording'
  /** A file of its own, or a part of an HLS stream in the same directory. */
  | 'other'

const PLAYLISTS = new Set(['.m3u8', '.m3u'])
const SEGMENTS = new Set([
  '.ts', '.m2ts', '.m4s', '.m4a', '.m4v', '.cmfa', '.cmfv', '.cmft', '.aac', '.ac3', '.ec3', '.mp3', '.vtt', '.webvtt', '.key'
])
const RECORDINGS = new Set(['.flv'])

/** Which sessions may hold a file of a kind, the one that it would open last. */
export const FAMILIES: Readonly<Record<Exclude<FileKind, 'open'>, readonly [...Family[], Family]>> = {
  playlist: ['hls'], segment: ['hls'], recording: ['file'], other: ['hls', 'file']
}

/**
 * Tells what a file below the static route is. A directory is open if its index page is; the mount
 * itself, which Express redirects to its directory, is, too. Unknown and missing extensions are
 * closed.
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
    if (SEGMENTS.has(extension)) return 'segment'
    return RECORDINGS.has(extension) ? 'recording' : 'other'
  }
}
