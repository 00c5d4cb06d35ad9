import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import type { StoreMemory } from '../sessions/store.js'
import { requestKey } from './request-key.js'

/** What is kept of an allow for the other servers: the verdict, and which request it was. */
interface Facts {
  readonly verdict: Verdict
  readonly request: Pick<AccessRequest, 'path' | 'streamPath' | 'protocol' | 'query'>
}

/** What other servers know of a request. */
export interface Known {
  /** An allow, with the rest of its time and the request that the backend was asked about: of HLS it may be another one that covers this. */
  readonly allow?: Facts & { readonly remainingMs: number, /** The key by which it was found. */ readonly by: string }
  /** The request was ended for its user's limit, and there still is no place. */
  readonly barred: boolean
}

/** What all servers of a fleet remember. Nothing here rejects; an answer that does not come in time is none. */
export interface SharedMemory {
  /**
   * Looks a newcomer up, once: whoever asks again about the same request gets the same answer.
   * @param keys by which an allow that covers it may be known, beside its own
   */
  recall(request: AccessRequest, keys?: readonly string[]): Promise<Known | undefined>
  /** A request takes the place of one that was looked up. */
  stand(request: AccessRequest, known: Known): void
  remember(request: AccessRequest, verdict: Verdict, forMs: number): Promise<unknown>
  /** Adds keys by which a remembered allow is found on other servers. */
  cover(request: AccessRequest, keys: readonly string[]): Promise<unknown>
}

const factsOf = (verdict: Verdict, { path, streamPath, protocol, query }: AccessRequest): string =>
  JSON.stringify({ verdict, request: { path, streamPath, protocol, query } } satisfies Facts)

export const createSharedMemory = (store: StoreMemory): SharedMemory => {
  const asked = new WeakMap<AccessRequest, Promise<Known | undefined>>()
  const ask = async (request: AccessRequest, keys: readonly string[]): Promise<Known | undefined> => {
    const own = requestKey(request)
    const found = await store.recall(own, [own, ...keys])
    if (found?.allow === undefined) return found && { barred: found.barred }
    const { facts, remainingMs, by } = found.allow
    return { barred: found.barred, allow: { ...JSON.parse(facts) as Facts, remainingMs, by } }
  }
  return {
    recall(request, keys = []) {
      let answer = asked.get(request)
      if (answer === undefined) asked.set(request, answer = ask(request, keys))
      return answer
    },
    stand: (request, known) => { asked.set(request, Promise.resolve(known)) },
    remember: (request, verdict, forMs) => store.remember(requestKey(request), factsOf(verdict, request), forMs),
    cover: (request, keys) => store.cover(requestKey(request), keys)
  }
}
