import { deepFreeze } from './deep-freeze.js'

/** Re-checks: the backend is asked again about running sessions when `X-AuthDuration`, or else `recheckMs`, is over. */
export interface RecheckOptions {
  /** How long a session may go on while re-checks get no answer, in milliseconds. Default 3600000; 0 means forever. */
  staleMs?: number
  /** Whether to ask up to 10 % early instead of late. Default true (preset ministra: false). */
  early?: boolean
  /** Whether to ask about clients that came in during an outage once it is over. Default true (presets ministra and iptvportal: false). */
  afterOutage?: boolean
}

export const RECHECK_DEFAULTS = deepFreeze({ staleMs: 3_600_000, early: true, afterOutage: true } as const)

export const RECHECK_SCHEMA = {
  type: ['object', 'boolean'], not: { const: true }, additionalProperties: false, default: RECHECK_DEFAULTS,
  properties: {
    staleMs: {
      type: 'integer', minimum: 0, maximum: 2_147_483_647, default: RECHECK_DEFAULTS.staleMs,
      description: 'How long a session may go on while re-checks get no answer; 0 means forever. In milliseconds.'
    },
    early: { type: 'boolean', default: RECHECK_DEFAULTS.early, description: 'Whether to ask up to 10 % early instead of late.' },
    afterOutage: { type: 'boolean', default: RECHECK_DEFAULTS.afterOutage, description: 'Whether to ask about clients that came in during an outage once it is over.' }
  },
  description: 'Re-checks of running sessions; false turns them off. For publishers they are off unless set in their section.'
} as const
