/** What a request target names below the static route. */
export interface ServedPath {
  /** Decoded, the mount as it is configured: `/static/live/s/index.m3u8`; a directory's ends in `/`. */
  readonly path: string
  /** The same below the mount: `live/s/index.m3u8`; empty for the mount itself. */
  readonly file: string
}

/**
 * Reads a raw target before its `?`: `undefined` for what the static route never serves; `null`
 * for what it serves, or could, but by another spelling than the one that is checked.
 */
export type ReadServedPath = (rawPath: string) => ServedPath | null | undefined

/** Express reads such a target as it is written; any other it parses as a URL, backslashes being slashes. */
const PLAIN = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/
const ABSOLUTE = /^https?:\/\/[^/?#\\@\s]*(?=\/)/i

/** A mount without a `/` at its end. */
export const mountOf = (router: string): string => router.endsWith('/') ? mountOf(router.slice(0, -1)) : router

/**
 * Makes the reader for one mount, which must be plain text. Express compares the mount ignoring
 * ASCII case and as it is written, and decodes what follows once. So every escape of a path is the
 * same path, unless it hides a separator, a control character or another directory; these are
 * refused, as are empty segments, leading dots (Express serves none), and trailing dots and
 * spaces (which some file systems drop).
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

/** The last segment is empty where a directory is named. */
const isCanonical = (segment: string, last: boolean): boolean =>
  segment === '' ? last : !/^\.|[. ]$|[\0-\x1f\x7f/\\]/.test(segment)
