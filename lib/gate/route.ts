import type { Dialect, LiveRoute } from '../nms/dialect.js'
import type { ServedPath } from './files/served-path.js'

/** The purpose of an HTTP request. */
export type Route =
  | LiveRoute
  /** A file below a static route; if it does not exist, the request may be for something else. */
  | { readonly is: 'file', readonly served: ServedPath, readonly otherwise?: LiveRoute }
  /** Names a file by another spelling than the one that is checked. */
  | { readonly is: 'malformed', readonly of: 'file' }

/** What the files gate decides about a route. */
export interface FileNames {
  read(rawPath: string): ServedPath | null | undefined
  isOpen(served: ServedPath): boolean
}

const OTHER: LiveRoute = { is: 'other' }

/** Whether a method fetches files; NMS's Express serves them to no other. */
export const reads = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD'

/**
 * Tells live streams, files and everything else apart, as NMS does.
 *
 * @param files - `undefined` if NMS serves none
 */
export const createRoute = (dialect: Dialect, files: FileNames | undefined) => (method: string | undefined, rawPath: string): Route => {
  const live = dialect.liveOf(rawPath)
  const served = files?.read(rawPath)
  if (files === undefined || served === undefined) return live
  const over = live.is === 'other' ? 'always' : dialect.fileOverLive(rawPath)
  if (over === 'never') return live
  const isOwn = dialect.isOwnPage(rawPath)
  if (!reads(method)) {
    if (live.is !== 'other') return live
    if (isOwn) return OTHER
  }
  if (served === null) return { is: 'malformed', of: 'file' }
  if (over === 'if-there') return { is: 'file', served, otherwise: live }
  return isOwn && !files.isOpen(served) ? { is: 'file', served, otherwise: OTHER } : { is: 'file', served }
}
