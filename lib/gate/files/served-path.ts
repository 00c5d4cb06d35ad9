/** What a request target names below the static route. */
export interface ServedPath {
  /** Decoded, with the mount as configured: `/static/live/s/index.m3u8`; a directory ends in `/`. */
  readonly path: string
  /** The path below the mount: `live/s/index.m3u8`; empty for the mount itself. */
  readonly file: string
}

/**
 * Reads a raw target up to its `?`. `undefined` if the static route never serves it; `null` if it does, or could, under
 * another spelling than the one that is checked.
 */
export type ReadServedPath = (rawPath: string) => ServedPath | null | undefined

/** Express reads such a target as written; any other is parsed as a URL, where backslashes count as slashes. */
const PLAIN = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/
const ABSOLUTE = /^https?:\/\/[^/?#\\@\s]*(?=\/)/i

/** The mount without a trailing `/`. */
export const mountOf = (router: string): string => router.endsWith('/') ? mountOf(router.slice(0, -1)) : router

/**
 * Creates the reader for one mount, which must be plain text. Express compares the mount as written, ignoring ASCII
 * case, and decodes the rest once. So all escaped forms of a path are the same path, unless one hides a separator, a
 * control character or another directory. Those are refused, and so are empty segments, leading dots (Express does not
 * serve them), and trailing dots and spaces (some file systems drop them).
 */
export const readServedPath = (router: string): ReadServedPath => {
  const mount = mountOf(router)
  const lowerMount = mount.toLowerCase()
  const isBelow = (path: string): boolean =>
    path.slice(0, mount.length).toLowerCase() === lowerMount && (path.length === mount.length || path[mount.length] === '/')

  return (rawPath) => {
    if (!PLAIN.test(rawPath)) {
      const path = rawPath.replace(ABSOLUTE, '')
      return path !== rawPath && PLAIN.test(path) && !isBelow(path) ? undefined : null
    }
    if (!isBelow(rawPath)) return undefined
    const segments = rawPath.slice(mount.length).split('/').slice(1).map(decode)
    if (!segments.every((segment, index) => segment !== undefined && isCanonical(segment, index === segments.length - 1))) return null
    const file = segments.join('/')
    return { path: segments.length === 0 ? mount : `${mount}/${file}`, file }
  }
}

const decode = (segment: string): string | undefined => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** The last segment is empty for a directory. */
const isCanonical = (segment: string, last: boolean): boolean =>
  segment === '' ? last : !/^\.|[. ]$|[\0-\x1f\x7f/\\]/.test(segment)
