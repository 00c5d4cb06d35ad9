import { limitKey } from '../access/address.js'

/** Read at each use: a reload may change them. */
interface Bounds {
  readonly maxSessions: number
  readonly maxSessionsPerIp: number
}

/** Counts sessions against the limits: in total and per address. */
export class Capacity {
  private readonly perAddress = new Map<string, number>()
  private taken = 0

  constructor(private readonly bounds: Bounds) {}

  /** The key an address is counted under. */
  keyOf(ip: string): string {
    return limitKey(ip)
  }

  isFull(key: string): boolean {
    return this.taken >= this.bounds.maxSessions || (this.perAddress.get(key) ?? 0) >= this.bounds.maxSessionsPerIp
  }

  take(key: string): void {
    this.taken += 1
    this.perAddress.set(key, (this.perAddress.get(key) ?? 0) + 1)
  }

  free(key: string): void {
    this.taken -= 1
    const count = (this.perAddress.get(key) ?? 0) - 1
    if (count > 0) this.perAddress.set(key, count)
    else this.perAddress.delete(key)
  }
}
