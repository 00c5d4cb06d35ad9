import { MAX_UNADMITTED_BYTES } from '../../access/bounds.js'

/** Why somebody is cut. */
export const TOO_MUCH = 'all clients that wait hold too much'

/** A client that is not admitted yet, with what it makes this process hold. */
export interface Holder {
  /** It is the newest, and all hold too much. */
  onTooMuch(): void
}

/** What all clients that are not admitted make this process hold. */
export interface Unadmitted {
  /** A client holds so many bytes now; 0 forgets it. Cuts the newest ones while all hold too much. */
  holds(client: Holder, bytes: number): void
  readonly bytes: number
}

export const createUnadmitted = (maxBytes = MAX_UNADMITTED_BYTES): Unadmitted => {
  /** In the order in which they first held something. */
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
