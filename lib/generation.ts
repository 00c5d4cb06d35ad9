import { isDeepStrictEqual } from 'node:util'
import type { Authorize } from './access/authorize.js'
import type { Networks } from './access/address.js'
import type { Settings } from './access/settings.js'
import type { Chain } from './chain.js'
import { HttpAuthError } from './errors.js'
import type { Cors } from './gate/http/cors.js'
import type { HttpFront } from './nms/host.js'

/**
 * All that is made of the options and holds no client: a reload makes another and puts it in the place of this one
 * in one assignment. What holds clients (door, registry, viewers, memories of backends that stay) lives on.
 */
export interface Generation {
  readonly settings: Settings
  readonly chain: Chain
  /** The chain's, counted, so that it is known when its last answer has come. */
  readonly authorize: Authorize
  readonly trusted: Networks
  readonly cors: Cors
  readonly http: HttpFront
  /** Nobody new is asked about here; calls back once the last answer has come. */
  retire(over: () => void): void
}

export const createGeneration = (parts: Pick<Generation, 'settings' | 'chain' | 'trusted' | 'cors' | 'http'>): Generation => {
  let asked = 0
  let whenOver: (() => void) | undefined
  const answered = (): void => {
    asked -= 1
    if (asked === 0) whenOver?.()
  }
  return {
    ...parts,
    authorize(request, signal) {
      asked += 1
      const answer = parts.chain.authorize(request, signal)
      answer.then(answered, answered)
      return answer
    },
    retire(over) {
      whenOver = over
      if (asked === 0) over()
    }
  }
}

/** Whether what was remembered, and the connections, may stay: the backends are asked exactly as before. */
export const asksAlike = (before: Settings, after: Settings): boolean =>
  isDeepStrictEqual([before.play, before.publish], [after.play, after.publish])

/** Where something listens, or is shared: others rely on it, so only a restart changes it. */
const FIXED = ['admin', 'store', 'proxyProtocol'] as const satisfies readonly (keyof Settings)[]

/** @throws HttpAuthError `ERR_OPTIONS` that names what a reload cannot change */
export const refuseFixed = (before: Settings, after: Settings): void => {
  const changed = FIXED.filter((name) => !isDeepStrictEqual(before[name], after[name]))
  if (changed.length > 0) {
    throw new HttpAuthError('ERR_OPTIONS', `${changed.map((name) => `httpAuth.${name}`).join(', ')}: cannot change while the server runs; restart it`)
  }
}
