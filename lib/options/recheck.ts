import { deepFreeze } from './deep-freeze.js'

/** Asking the backend again about sessions that run, when what it said (`X-AuthDuration`, else `recheckMs`) is over. */
export interface RecheckOptions {
  /** A session that the backend can say nothing about ends after this long, in milliseconds. Default 3600000; 0 is no bound. */
  staleMs?: number
  /** Whether to ask up to a tenth early instead of late. Default true (preset ministra: false). */
  early?: boolean
  /** Whether who came in during an outage is asked about once it is over. Default true (presets ministra and iptvportal: false). */
  afterOutage?: boolean
}

export const RECHECK_DEFAULTS = deepFreeze({ staleMs: 3_600_000, early: true, afterOutage: true } as const)

export const RECHECK_SCHEMA = {
  type: ['object', 'boolean'], not: { const: true }, additionalProperties: false, default: RECHECK_DEFAULTS,
  properties: {
    staleMs: {
      type: 'integer', minimum: 0, maximum: 2_147_483_647, default: RECHECK_DEFAULTS.staleMs,
      description: 'A session that the backend can say nothing about ends after this long; 0 is no bound. In milliseconds.'
    },
    early: { type: 'boolean', default: RECHECK_DEFAULTS.early, description: 'Whether to ask up to a tenth early instead of late.' },
    afterOutage: { type: 'boolean', default: RECHECK_DEFAULTS.afterOutage, description: 'Whether who came in during an outage is asked about once it is over.' }
  },
  description: 'Asking again about sessions that run; false never asks. For publishers only where their section has it.'
} as const
