import type { Sink } from './hub.js'

/** Remembers the current outage. */
export interface OutageNow extends Sink {
  /** `undefined` while there is none. Milliseconds since 1970. */
  read(): { readonly since: number, readonly reason: string } | undefined
}

export const createOutageNow = (): OutageNow => {
  let lasting: ReturnType<OutageNow['read']>
  return {
    outage({ state, reason }) { lasting = state === 'begin' ? { since: Date.now(), reason } : undefined },
    read: () => lasting
  }
}
