import { lookup as resolveName, type LookupAddress, type LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { safely } from '../safely.js'
import { hasDescriptor } from './reserve.js'

/** How long a lookup may take before the last known addresses are used instead, in milliseconds. */
const PATIENCE_MS = 1000

type Found = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void

/** Looks up the name of one backend, for all its questions. */
export interface Lookup {
  /** For `net.connect`. Concurrent questions share one lookup, so that it occupies at most one of libuv's threads. */
  readonly fresh: LookupFunction
  /** The same, but with the last known addresses at once, if there are any. */
  readonly known: LookupFunction
  /** Whether the address is known without a lookup. */
  readonly found: boolean
}

/** Returns the addresses in the requested form. */
const handOver = (addresses: readonly LookupAddress[], { all }: LookupOptions, callback: Parameters<LookupFunction>[2]): void => {
  const [first] = addresses
  if (all === true) callback(null, [...addresses])
  else if (first !== undefined) callback(null, first.address, first.family)
}

/**
 * An error that proves nothing: a lookup also fails for want of descriptors, with `EBUSY` or `ENOTFOUND` depending on
 * Node's version, and resolvers report their own shortages in many ways.
 */
const unproven = (cause: NodeJS.ErrnoException): NodeJS.ErrnoException =>
  Object.assign(new Error(`the lookup failed (${cause.code ?? ''})`, { cause }), { code: 'ERR_LOOKUP' })

export const createLookup = (hostname: string, resolve = resolveName): Lookup => {
  let last: readonly LookupAddress[] | undefined
  const waiting = new Set<Found>()
  let looking = false

  const begin = (): void => {
    looking = true
    const hadDescriptor = hasDescriptor()
    resolve(hostname, { all: true }, (error, addresses) => {
      looking = false
      if (error === null && addresses.length > 0) last = addresses
      const proven = error?.code === 'ENOTFOUND' && hadDescriptor && hasDescriptor()
      const outcome = last !== undefined ? null : proven ? error : unproven(error ?? new Error('no address'))
      for (const found of [...waiting]) found(outcome, last ?? [])
    })
  }
  const lookup = (options: LookupOptions, callback: Parameters<LookupFunction>[2]): void => {
    const found: Found = (error, addresses) => {
      if (!waiting.delete(found)) return
      clearTimeout(patience)
      if (error === null) handOver(addresses, options, callback)
      else callback(error, '')
    }
    const patience = last === undefined ? undefined : setTimeout(safely(undefined, () => found(null, last ?? [])), PATIENCE_MS)
    waiting.add(found)
    if (!looking) begin()
  }
  return {
    fresh: (_, options, callback) => lookup(options, callback),
    known: (_, options, callback) => {
      if (last === undefined) lookup(options, callback)
      else handOver(last, options, callback)
    },
    get found() { return isIP(hostname) !== 0 || last !== undefined }
  }
}
