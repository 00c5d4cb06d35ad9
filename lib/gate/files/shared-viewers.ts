import type { AccessRequest } from '../../access/request.js'
import { keyOf, keysOf, type Belonging } from './belonging.js'
import type { Opened } from './past-sessions.js'

/** What the servers of a fleet tell each other about viewers. */
export interface SharedMemory {
  /** Looks up the allow that covers a request by any of the keys. */
  recall(request: AccessRequest, keys: readonly string[]): Promise<Recalled | undefined>
  /** Puts a request in the place of the one that was looked up. */
  stand(request: AccessRequest, recalled: Recalled): void
  /** Adds keys to a remembered allow. */
  cover(request: AccessRequest, keys: readonly string[]): Promise<unknown>
}
interface Recalled {
  readonly allow?: { readonly request: Pick<AccessRequest, 'path' | 'streamPath' | 'protocol' | 'query'>, readonly by: string }
}

/** Viewers admitted by other servers. */
export interface SharedViewers {
  /** What another server opened for this client; `undefined` if none admitted it. */
  recall(belonging: Belonging, asked: Opened): Promise<Opened | undefined>
  /** Tells other servers further keys of a remembered session; returns a promise only if there is something to tell. */
  tell(request: AccessRequest, keys: readonly string[]): Promise<unknown> | undefined
}

/** @param remembers - whether an earlier allow of such a request still holds on this server */
export const createSharedViewers = (memory: SharedMemory, remembers: (request: AccessRequest) => boolean): SharedViewers => ({
  async recall(belonging, asked) {
    const recalled = remembers(asked.request) ? undefined : await memory.recall(asked.request, keysOf(belonging))
    if (recalled?.allow === undefined) return undefined
    const { allow } = recalled
    const request = { ...asked.request, ...allow.request }
    memory.stand(request, recalled)
    const key = keyOf(request)
    return { request, key, moreKeys: key === asked.key ? new Map() : new Map([[asked.key, asked.request.path], [allow.by, belonging.directory]]) }
  },
  tell: (request, keys) => keys.length === 0 || !remembers(request) ? undefined : memory.cover(request, keys)
})
