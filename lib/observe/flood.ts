import { limitKey } from '../access/address.js'
import { safely } from '../safely.js'

/** How many lines a window has room for, and how long it is. */
export interface FloodLimits {
  readonly windowMs: number
  readonly perAddress: number
  readonly total: number
}

const LIMITS: FloodLimits = { windowMs: 10_000, perAddress: 5, total: 50 }

/** Kinds that a summary names, and addresses that it counts, at most. */
const MAX_KINDS = 8
const MAX_ADDRESSES = 1000

/** Runs something later without keeping the process alive. */
export type Later = (run: () => void, ms: number) => void

const later: Later = (run, ms) => { setTimeout(safely(undefined, run), ms).unref() }

/** Lets the first lines of a flood through and sums the rest up. */
export interface Flood {
  /** Whether a line may be printed; if not, it is counted under its kind. An empty address is none. */
  passes(kind: string, ip: string): boolean
  /** Ends the window now: reports what was kept back. */
  flush(): void
}

/**
 * @param report gets one line for each window in which something was kept back
 */
export const createFlood = (report: (summary: string) => void, limits = LIMITS, runLater = later): Flood => {
  let printed = new Map<string, number>()
  let kinds = new Map<string, number>()
  let addresses = new Set<string>()
  let total = 0
  let open = false

  const flush = (): void => {
    const kept = [...kinds.values()].reduce((sum, count) => sum + count, 0)
    const what = [...kinds].map(([kind, count]) => `${count} ${kind}`).join('; ')
    const from = addresses.size < 2
      ? [...addresses].map((address) => ` from ${address}`).join('')
      : ` from ${addresses.size}${addresses.size < MAX_ADDRESSES ? '' : ' or more'} addresses`
    printed = new Map()
    kinds = new Map()
    addresses = new Set()
    total = 0
    open = false
    if (kept > 0) report(`${kept} more within ${limits.windowMs / 1000} s${from}: ${what}`)
  }
  const keepBack = (kind: string, address: string): void => {
    const name = kinds.has(kind) || kinds.size < MAX_KINDS ? kind : 'for other reasons'
    kinds.set(name, (kinds.get(name) ?? 0) + 1)
    if (address !== '' && addresses.size < MAX_ADDRESSES) addresses.add(address)
  }

  return {
    passes(kind, ip) {
      if (!open) {
        open = true
        runLater(() => flush(), limits.windowMs)
      }
      const address = limitKey(ip)
      const own = printed.get(address) ?? 0
      if (total >= limits.total || own >= limits.perAddress) {
        keepBack(kind, address)
        return false
      }
      total += 1
      printed.set(address, own + 1)
      return true
    },
    flush
  }
}
