import type { EndReason } from '../access/place.js'

/** Reasons that put a client out: what was remembered of its allow is forgotten. */
export const FORGETS: ReadonlySet<EndReason> = new Set(['closed', 'denied', 'stale'])
