import type { Rule } from './who-goes.js'

/** What a limit did: ended a session by a rule, or refused a client. */
export type LimitAction = Rule | 'denyNew' | 'bar'

/** @param count - other places in use */
export const othersWatch = (count: number): string => `your account is watched on ${count} other ${count === 1 ? 'device' : 'devices'}`

/** What the viewer of a session ended this way reads. */
export const textOf = (action: LimitAction, others: number): string | undefined => {
  if (action === 'reconnect' || action === 'gone') return undefined
  return action === 'zap' ? 'another stream was opened on this device' : othersWatch(others)
}
