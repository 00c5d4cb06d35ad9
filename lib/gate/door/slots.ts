import { limitKey } from '../../access/address.js'

/** Frees the slot; calling it again does nothing. */
export type Release = () => void

/** The clients held at the door. */
export interface Held {
  /** Takes a slot; `undefined` if none is left in total or for this address (IPv6: its /64). */
  enter(ip: string): Release | undefined
  readonly size: number
  /** Addresses with a slot. */
  readonly addresses: number
}

/** Counts held clients. 0 is no limit; both limits are read at each entry, since a reload may change them. */
export const createHeld = (limits: { readonly maxHeld: number, readonly maxHeldPerIp: number }): Held => {
  const perAddress = new Map<string, number>()
  let size = 0
  return {
    enter(ip) {
      const key = limitKey(ip)
      const own = perAddress.get(key) ?? 0
      const { maxHeld, maxHeldPerIp } = limits
      if ((maxHeld > 0 && size >= maxHeld) || (maxHeldPerIp > 0 && own >= maxHeldPerIp)) return undefined
      size += 1
      perAddress.set(key, own + 1)
      let held = true
      return () => {
        if (!held) return
        held = false
        size -= 1
        const left = (perAddress.get(key) ?? 1) - 1
        if (left > 0) perAddress.set(key, left)
        else perAddress.delete(key)
      }
    },
    get size() { return size },
    get addresses() { return perAddress.size }
  }
}
