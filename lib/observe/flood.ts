import { limitKey } from '../access/address.js'
import { safely } from '../safely.js'

/** How many lines a window may have, and how long it is. */
export interface FloodLimits {
  readonly windowMs: number
  /** Lines of one kind from one address. */
  readonly perAddress: number
  /** Lines in all, not counting those of new addresses. */
  readonly total: number
}

const LIMITS: FloodLimits = { windowMs: 10_000, perAddress: 5, total: 50 }

/** How many pairs of kind and address are counted one by one in a window, and how many a summary names. */
const MAX_COUNTED = 1000
const MAX_NAMED = 20
/** How many addresses are remembered, and for how long, in milliseconds. */
const MAX_KNOWN = 20_000
const KNOWN_MS = 3_600_000

/** Schedules a call without keeping the process alive; returns a function that cancels it. */
export type Later = (run: () => void, ms: number) => () => void

export const later: Later = (run, ms) => {
  const timer = setTimeout(safely(undefined, run), ms).unref()
  return () => clearTimeout(timer)
}

/** Lines of one kind from one address that were kept back. */
export interface KeptBack {
  readonly kind: string
  /** For IPv6 the /64; empty if the line is about no client. */
  readonly address: string
  readonly count: number
}

/** What was kept back in one window. */
export interface FloodSummary {
  readonly seconds: number
  /** The most frequent ones. */
  readonly named: readonly KeptBack[]
  /** The others. */
  readonly others: { readonly count: number, readonly addresses: number }
}

/** Lets the first lines of a flood through and sums up the rest. */
export interface Flood {
  /**
   * Whether a line may be printed; if not, it is counted. The first line of an address that had none within the last hour
   * is always printed, whatever others do meanwhile: its user may be about to call.
   *
   * @param ip - empty if the line is about no client
   */
  passes(kind: string, ip: string): boolean
  /** Ends the window now and reports what was held back. */
  flush(): void
}

/** @param report gets the summary of each window in which something was kept back */
export const createFlood = (report: (summary: FloodSummary) => void, limits = LIMITS, runLater = later, now: () => number = Date.now): Flood => {
  /** By kind and address: lines that were printed, and that were kept back. */
  let counted = new Map<string, { readonly kind: string, readonly address: string, printed: number, keptBack: number }>()
  /** When an address had its last line, the latest last. */
  const known = new Map<string, number>()
  let others = 0
  let otherAddresses = new Set<string>()
  let total = 0
  let cancel: (() => void) | undefined

  const flush = (): void => {
    cancel?.()
    cancel = undefined
    const kept = [...counted.values()].filter(({ keptBack }) => keptBack > 0).sort((a, b) => b.keptBack - a.keptBack)
    const unnamed = kept.slice(MAX_NAMED)
    const named = kept.slice(0, MAX_NAMED).map(({ kind, address, keptBack }) => ({ kind, address, count: keptBack }))
    const count = unnamed.reduce((sum, { keptBack }) => sum + keptBack, others)
    for (const { address } of unnamed) if (address !== '') otherAddresses.add(address)
    const addresses = otherAddresses.size
    counted = new Map()
    others = 0
    otherAddresses = new Set()
    total = 0
    if (named.length > 0 || count > 0) report({ seconds: limits.windowMs / 1000, named, others: { count, addresses } })
  }
  const isNew = (address: string): boolean => {
    if (address === '') return false
    const last = known.get(address)
    const [oldest] = known
    if (last === undefined && oldest !== undefined && known.size >= MAX_KNOWN) {
      // So many new addresses within an hour are an attack, and must not drown the rest.
      if (now() - oldest[1] <= KNOWN_MS) return false
      known.delete(oldest[0])
    }
    known.delete(address)
    known.set(address, now())
    return last === undefined || now() - last > KNOWN_MS
  }
  const counterOf = (kind: string, address: string): { printed: number, keptBack: number } | undefined => {
    const key = `${address} ${kind}`
    const counter = counted.get(key)
    if (counter !== undefined || counted.size >= MAX_COUNTED) return counter
    const made = { kind, address, printed: 0, keptBack: 0 }
    counted.set(key, made)
    return made
  }

  return {
    passes(kind, ip) {
      cancel ??= runLater(flush, limits.windowMs)
      const address = limitKey(ip)
      const counter = counterOf(kind, address)
      if (isNew(address)) {
        if (counter !== undefined) counter.printed += 1
        return true
      }
      if (counter === undefined) {
        others += 1
        if (address !== '' && otherAddresses.size < MAX_COUNTED) otherAddresses.add(address)
        return false
      }
      if (total >= limits.total || counter.printed >= limits.perAddress) {
        counter.keptBack += 1
        return false
      }
      total += 1
      counter.printed += 1
      return true
    },
    flush
  }
}
