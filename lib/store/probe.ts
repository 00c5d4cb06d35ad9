import { randomBytes } from 'node:crypto'
import type { StoreSettings } from '../access/settings.js'
import { safely } from '../safely.js'
import { createClient } from './client.js'
import type { Link } from './link.js'
import { createMemory } from './memory.js'
import { createNames } from './names.js'
import { isReplyOf, senseless } from './replies.js'

/** The result of testing the store: milliseconds to connect and to answer twice, or the reason why it failed. */
export type Probed = { readonly connectMs: number, readonly answerMs: number } | { readonly reason: string }

const CONNECT_MS = 5000
/** How long the test's entry lives. */
const KEPT_MS = 1000

/** Writes an entry under a key of its own and reads it back. No other server notices. */
export const probeStore = async (settings: StoreSettings): Promise<Probed> => {
  const client = createClient(settings)
  // As a server does it, but without the deadline that voids late commands.
  const run: Link['run'] = async (name, keys, args) => {
    const reply = await client[`nha_${name}`](keys.length, ...keys, 0, ...args)
    if (!isReplyOf(name, reply)) throw senseless(name)
    return reply
  }
  const memory = createMemory({ run }, createNames(settings.prefix, 'check'))
  const key = randomBytes(16).toString('hex')
  const since = performance.now()
  let last: string | undefined
  client.on('error', safely(undefined, (error: Error) => { last = error.message }))
  try {
    await inTime(client.connect(), CONNECT_MS, () => 'no connection in time')
    const connectMs = performance.now() - since
    const ask = async (): Promise<boolean> => {
      await memory.remember(key, key, KEPT_MS)
      return (await memory.recall(key, [key]))?.allow?.facts === key
    }
    if (!await inTime(ask(), CONNECT_MS, () => 'no answer in time')) return { reason: 'what was written could not be read' }
    return { connectMs: Math.round(connectMs), answerMs: Math.round((performance.now() - since - connectMs) * 10) / 10 }
  } catch (error) {
    // The cause says more than that the connection is closed.
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
