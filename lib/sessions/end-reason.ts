import type { EndReason } from '../access/place.js'

/** Ends by which somebody is put out: what was remembered of the client's allow does not count any more. */
export const FORGETS: ReadonlySet<EndReason> = new Set(['closed', 'denied', 'stale'])
