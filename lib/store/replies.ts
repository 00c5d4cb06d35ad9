import type { ScriptName } from './scripts.js'

type Check = (reply: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => typeof value === 'number'
const isTime: Check = (value) => typeof value === 'string' && /^\d+$/.test(value)
const areTexts: Check = (value) => Array.isArray(value) && value.every(isText)
const isTuple = (...checks: readonly Check[]): Check => (value) =>
  Array.isArray(value) && value.length === checks.length && checks.every((check, index) => check(value[index]))

const CHECKS: Readonly<Record<ScriptName, Check>> = {
  take: isTuple(isText, isNumber, isTime),
  settle: areTexts,
  renew: areTexts,
  release: isNumber,
  recall: isTuple(isNumber, isNumber, isText, isText, isNumber),
  remember: isNumber,
  cover: isNumber,
  bar: isNumber,
  order: isTime,
  hello: isTuple(isTime, isNumber, areTexts, areTexts)
}

/** Whether a script can have returned this: what answers may not be a Redis, or be a proxy that lost its own. */
export const isReplyOf = (name: ScriptName, reply: unknown): boolean => CHECKS[name](reply)

/** What is wrong with a reply that no script can have returned. */
export const senseless = (name: ScriptName): Error => new Error(`its answer to "${name}" makes no sense; check store.url`)
