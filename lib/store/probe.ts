import { randomBytes } from 'node:crypto'
import type { StoreSettings } from '../access/settings.js'
import { safely } from '../safely.js'
import { createClient } from './client.js'
import { createNames } from './names.js'
import { seal, unseal } from './seal.js'

/** What came of a look at the store: how long it took to connect and to answer twice, in milliseconds; or why it did not. */
export type Probed = { readonly connectMs: number, readonly answerMs: number } | { readonly reason: string }

const CONNECT_MS = 5000
/** What is written lives as long. */
const KEPT_MS = 1000

/** Writes something into the store under a key of its own, and reads it. No other server hears of it. */
export const probeStore = async (settings: StoreSettings): Promise<Probed> => {
  const client = createClient(settings)
  const names = createNames(settings.prefix, 'check')
  const key = randomBytes(16).toString('hex')
  const since = performance.now()
  let last: string | undefined
  client.on('error', safely(undefined, (error: Error) => { last = error.message }))
  try {
    await inTime(client.connect(), CONNECT_MS, () => 'no connection in time')
    const connectMs = performance.now() - since
    const ask = async (): Promise<unknown> => {
      await client.nha_remember(1, names.allow(key), 0, seal(key, key), KEPT_MS)
      return client.nha_recall(2, names.allow(key), names.bar(key), 0, names.users)
    }
    const [, , sealed] = await inTime(ask(), CONNECT_MS, () => 'no answer in time') as [number, number, string]
    if (unseal(sealed, key) !== key) return { reason: 'what was written could not be read' }
    return { connectMs: Math.round(connectMs), answerMs: Math.round((performance.now() - since - connectMs) * 10) / 10 }
  } catch (error) {
    // That a connection is closed says less than why.
    return { reason: last ?? (error as Error).message }
  } finally {
    client.disconnect()
  }
}

const inTime = <T>(promise: Promise<T>, ms: number, reason: () => string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => { timer = setTimeout(safely(reject, () => reject(new Error(reason()))), ms) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
