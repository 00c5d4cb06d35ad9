import type { Recalled, StoreMemory } from '../sessions/store.js'
import type { Link } from './link.js'
import type { Names } from './names.js'
import { seal, unseal } from './seal.js'

const done = (reply: unknown): true | undefined => reply === undefined ? undefined : true

/** The memory shared by all servers. Keys and contents can be read only by those who know the request. */
export const createMemory = (link: Pick<Link, 'run'>, names: Names): Omit<StoreMemory, 'forget'> => ({
  async recall(requestKey, keys, viewers = []): Promise<Recalled | undefined> {
    const reply = await link.run('recall', [...keys.map(names.allow), ...viewers.map(names.closed), names.bar(requestKey)], [names.users, keys.length]) as
      [barred: number, at: number, facts: string, key: string, leftMs: number] | undefined
    if (reply === undefined) return undefined
    const [barred, at, sealed, sealedKey, remainingMs] = reply
    const found = keys[at - 1]
    const key = found === undefined || sealedKey === '' ? found : unseal(sealedKey, found)
    const facts = key === undefined ? undefined : unseal(sealed, key)
    return {
      barred: barred === 1,
      ...(found !== undefined && key !== undefined && facts !== undefined && remainingMs > 0 && { allow: { key, by: found, facts, remainingMs } })
    }
  },
  async remember(key, facts, forMs) {
    return done(await link.run('remember', [names.allow(key), names.allows], [seal(facts, key), Math.max(1, Math.round(forMs))]))
  },
  async cover(key, covered) {
    if (covered.length === 0) return true
    return done(await link.run('cover', [key, ...covered].map(names.allow), covered.map((each) => seal(key, each))))
  }
})
