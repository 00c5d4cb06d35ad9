import { isForFiles, type AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import type { StoreMemory } from '../sessions/store.js'
import { requestKey } from './request-key.js'
import { viewerKeys } from './viewer-key.js'

/** An allow as shared with other servers: the verdict and its request. */
interface Facts {
  readonly verdict: Verdict
  readonly request: Pick<AccessRequest, 'path' | 'streamPath' | 'protocol' | 'query'>
}

/** What other servers know about a request. */
export interface Known {
  /** An allow, with its remaining time and the request that the backend was asked about; for HLS that may be another request that covers this one. */
  readonly allow?: Facts & { readonly remainingMs: number, /** The key by which it was found. */ readonly by: string }
  /** The request was ended for its user's limit, and there is still no place. */
  readonly barred: boolean
}

/** The memory that all servers of a fleet share. Nothing here rejects; a late answer counts as none. */
export interface SharedMemory {
  /**
   * Looks a newcomer up, once: asking again about the same request returns the same answer.
   * @param keys further keys under which an allow that covers it may be stored
   */
  recall(request: AccessRequest, keys?: readonly string[]): Promise<Known | undefined>
  /** A request takes the place of one that was looked up. */
  stand(request: AccessRequest, known: Known): void
  remember(request: AccessRequest, verdict: Verdict, forMs: number): Promise<unknown>
  /** Adds keys under which other servers find a remembered allow. */
  cover(request: AccessRequest, keys: readonly string[]): Promise<unknown>
}

const factsOf = (verdict: Verdict, { path, streamPath, protocol, query }: AccessRequest): string =>
  JSON.stringify({ verdict, request: { path, streamPath, protocol, query } } satisfies Facts)

export const createSharedMemory = (store: StoreMemory): SharedMemory => {
  const asked = new WeakMap<AccessRequest, Promise<Known | undefined>>()
  const ask = async (request: AccessRequest, keys: readonly string[]): Promise<Known | undefined> => {
    const own = requestKey(request)
    const found = await store.recall(own, [own, ...keys], isForFiles(request) ? viewerKeys(request) : [])
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
