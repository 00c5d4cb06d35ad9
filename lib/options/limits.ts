import type { LimitSettings } from '../access/settings.js'
import { deepFreeze } from './deep-freeze.js'

/** How many sessions a user may watch at once, over all protocols. Only running `play` sessions count. */
export interface LimitsOptions {
  /**
   * Sessions of a user when the backend does not say (`X-Max-Sessions`, `X-Unique`). Default 0, no limit. The user is
   * `X-UserId`, else `userParams`, else the whole query: two viewers with the same link are then one user.
   */
  perUser?: number
  /** When a user is at the limit: end its oldest session (`endOldest`), or refuse the newcomer (`denyNew`). Default `endOldest`. */
  whenFull?: 'endOldest' | 'denyNew'
  /** How long a session that was ended for a newcomer stays out while its user is at the limit, from its last try, in milliseconds. Default 20000. */
  barMs?: number
  /** Query parameters that identify the user when the backend sends no `X-UserId`; all must be present. Default none (preset flussonic: `token`). */
  userParams?: string[]
  /** User ids that many clients share and that are not counted, such as `1` in Stalker's links for Wowza; `*` matches any characters. Default none (preset ministra: `1` and `/*`). */
  ignoreUsers?: string[]
}

export const LIMITS_DEFAULTS = deepFreeze({ perUser: 0, whenFull: 'endOldest', barMs: 20_000, userParams: [], ignoreUsers: [] } as const)

export const LIMITS_SCHEMA = {
  type: ['object', 'boolean'], not: { const: true }, additionalProperties: false, default: LIMITS_DEFAULTS,
  properties: {
    perUser: {
      type: 'integer', minimum: 0, maximum: 999_999, default: LIMITS_DEFAULTS.perUser,
      description: 'Sessions of a user when the backend does not say; 0 means no limit.'
    },
    whenFull: {
      enum: ['endOldest', 'denyNew'], default: LIMITS_DEFAULTS.whenFull,
      description: 'When a user is at the limit: end its oldest session, or refuse the newcomer.'
    },
    barMs: {
      type: 'integer', minimum: 0, maximum: 86_400_000, default: LIMITS_DEFAULTS.barMs,
      description: 'How long a session that was ended for a newcomer stays out while its user is at the limit, from its last try. In milliseconds.'
    },
    userParams: {
      type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 }, default: LIMITS_DEFAULTS.userParams,
      description: 'Query parameters that identify the user when the backend sends no X-UserId.'
    },
    ignoreUsers: {
      type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 }, default: LIMITS_DEFAULTS.ignoreUsers,
      description: 'User ids that many clients share and that are not counted; * matches any characters.'
    }
  },
  description: 'How many sessions a user may have at once; false ignores what the backend says.'
} as const

/** Completes the section with the preset's values. */
export const limitsOf = (given: LimitsOptions | false | undefined, preset: LimitsOptions): LimitSettings | false =>
  given === false ? false : { ...LIMITS_DEFAULTS, ...preset, ...given }
