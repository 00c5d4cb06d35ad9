import { isForFiles, type AccessRequest } from '../access/request.js'
import type { Clock } from './memory.js'
import { viewerKeys } from './viewer-key.js'

/**
 * Viewers of files that were closed: nothing they were allowed before counts any more, in any directory and with any
 * longer query.
 */
export interface Closed {
  /**
   * @param viewer - a `viewerKey`
   * @param until - when everything remembered now will have expired
   */
  add(viewer: string, until: number): void
  /** When the request's viewer was last closed; anything remembered before does not count. */
  at(request: AccessRequest): number
  readonly size: number
}

/** Closed viewers that are kept apart. */
const MAX_CLOSED = 20_000

/** Only the time of closing is kept, so a session with many directories costs no more than any other. */
export const createClosed = (now: Clock = () => performance.now(), max = MAX_CLOSED): Closed => {
  const viewers = new Map<string, { readonly at: number, readonly until: number }>()
  /** After an overflow nothing older counts for anybody. */
  let floor = -Infinity
  const makeRoom = (): void => {
    for (const [viewer, { at, until }] of viewers) {
      const isOver = until <= now()
      if (!isOver && viewers.size < max) return
      if (!isOver) floor = at
      viewers.delete(viewer)
    }
  }
  return {
    add(viewer, until) {
      viewers.delete(viewer)
      makeRoom()
      if (until > now()) viewers.set(viewer, { at: now(), until })
    },
    at: (request) => !isForFiles(request) ? -Infinity
      : viewers.size === 0 ? floor
      : viewerKeys(request).reduce((latest, viewer) => Math.max(latest, viewers.get(viewer)?.at ?? floor), floor),
    get size() { return viewers.size }
  }
}
