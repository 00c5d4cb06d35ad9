import { BAR, COVER, RECALL, REMEMBER } from './lua-memory.js'
import { HELLO, ORDER } from './lua-orders.js'
import { RELEASE } from './lua-release.js'
import { RENEW } from './lua-renew.js'
import { SETTLE } from './lua-settle.js'
import { TAKE } from './lua-take.js'

/** All commands sent to the store, by name. */
export const SCRIPTS = {
  take: TAKE, settle: SETTLE, renew: RENEW, release: RELEASE,
  recall: RECALL, remember: REMEMBER, cover: COVER, bar: BAR,
  order: ORDER, hello: HELLO
} as const

export type ScriptName = keyof typeof SCRIPTS
