import { isDeepStrictEqual } from 'node:util'
import type { Authorize } from '../access/authorize.js'
import type { Networks } from '../access/address.js'
import type { Settings } from '../access/settings.js'
import type { Chain } from './chain.js'
import { HttpAuthError } from '../errors.js'
import type { Cors } from '../gate/http/cors.js'
import type { HttpFront } from '../nms/host.js'
import type { Questions } from './questions.js'

/**
 * Everything that is derived from the options and holds no client: a reload creates a new one and swaps it in with one
 * assignment. What holds clients (door, registry, viewers, memory of unchanged backends) stays.
 */
export interface Generation {
  readonly settings: Settings
  readonly chain: Chain
  /** The chain's, counted by `questions`. */
  readonly authorize: Authorize
  /** The requests to its backends, shared by successive generations with the same backends. */
  readonly questions: Questions
  readonly trusted: Networks
  readonly cors: Cors
  readonly http: HttpFront
}

/** Whether memory and connections can be kept, because the backends are asked exactly as before. */
export const asksAlike = (before: Settings, after: Settings): boolean =>
  isDeepStrictEqual([before.play, before.publish], [after.play, after.publish])

/** These sections open a port or connect to other servers, so changing them needs a restart. */
const FIXED = ['admin', 'store'] as const satisfies readonly (keyof Settings)[]

/** @throws HttpAuthError `ERR_OPTIONS`, naming what a reload cannot change */
export const refuseFixed = (before: Settings, after: Settings): void => {
  const changed = FIXED.filter((name) => !isDeepStrictEqual(before[name], after[name]))
  if (changed.length > 0) {
    throw new HttpAuthError('ERR_OPTIONS', `${changed.map((name) => `httpAuth.${name}`).join(', ')}: cannot change while the server runs; restart it`)
  }
}
