import { MAX_UNADMITTED_BYTES } from '../../access/bounds.js'

/** Why a client is cut. */
export const TOO_MUCH = 'the clients that wait use too much memory'

/** A client that is not admitted yet, and the memory it uses. */
export interface Holder {
  /** It is the newest, and all together use too much. */
  onTooMuch(): void
}

/** Memory used by all clients that are not admitted. */
export interface Unadmitted {
  /** Sets how many bytes a client uses now; 0 forgets it. Cuts the newest clients while all together use too much. */
  holds(client: Holder, bytes: number): void
  readonly bytes: number
}

export const createUnadmitted = (maxBytes = MAX_UNADMITTED_BYTES): Unadmitted => {
  /** In the order in which they first used memory. */
  const held = new Map<Holder, number>()
  let total = 0
  return {
    holds(client, bytes) {
      total += bytes - (held.get(client) ?? 0)
      if (bytes === 0) held.delete(client)
      else held.set(client, bytes)
      while (total > maxBytes) {
        const newest = [...held.keys()].at(-1)
        if (newest === undefined) return
        total -= held.get(newest) ?? 0
        held.delete(newest)
        newest.onTooMuch()
      }
    },
    get bytes() { return total }
  }
}
