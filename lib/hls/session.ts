import type { Idle, IdleList } from './idle-list.js'
import type { Holder } from './keys.js'

/** What the register keeps of one session. */
export interface Session<T> {
  readonly value: T
  /** The key it was opened by. */
  readonly key: string
  /** The other directories it covers, by key. */
  readonly moreKeys: ReadonlyMap<string, string>
  readonly ended: boolean
}

export const NO_KEYS: ReadonlyMap<string, string> = new Map()

/** A session, and its element in the list of its idle time. */
export class Entry<T> implements Session<T>, Holder, Idle {
  ended = false
  covered: Holder['covered']
  seenAt = 0
  busy = 0
  older: Idle | undefined
  newer: Idle | undefined

  constructor(readonly key: string, readonly value: T, readonly limit: string, public list: IdleList<Entry<T>>) {}

  get moreKeys(): ReadonlyMap<string, string> { return this.covered?.keys ?? NO_KEYS }
}
