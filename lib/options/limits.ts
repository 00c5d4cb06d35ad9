import type { LimitSettings } from '../access/settings.js'
import { deepFreeze } from './deep-freeze.js'

/** How many sessions a user may have at once, whatever their protocols. Only sessions of `play` that run count. */
export interface LimitsOptions {
  /**
   * Sessions of a user where the backend does not say (`X-Max-Sessions`, `X-Unique`). Default 0, no limit. The user is
   * `X-UserId`, else `userParams`, else the whole query: two viewers of one link are then one user.
   */
  perUser?: number
  /** Who goes when a user is full: its oldest session (`endOldest`), or nobody, the newcomer is refused (`denyNew`). Default `endOldest`. */
  whenFull?: 'endOldest' | 'denyNew'
  /** How long whoever was ended for a newcomer is refused while the user is full, from its last try, in milliseconds. Default 20000. */
  barMs?: number
  /** Parameters of the client's query that stand for the user where the backend names none; all must be there. Default none (preset flussonic: `token`). */
  userParams?: string[]
  /** Ids that many share, such as `1` in Stalker's links for Wowza; `*` stands for any run of characters. Default none (preset ministra: `1` and `/*`). */
  ignoreUsers?: string[]
}

export const LIMITS_DEFAULTS = deepFreeze({ perUser: 0, whenFull: 'endOldest', barMs: 20_000, userParams: [], ignoreUsers: [] } as const)

export const LIMITS_SCHEMA = {
  type: ['object', 'boolean'], not: { const: true }, additionalProperties: false, default: LIMITS_DEFAULTS,
  properties: {
    perUser: {
      type: 'integer', minimum: 0, maximum: 999_999, default: LIMITS_DEFAULTS.perUser,
      description: 'Sessions of a user where the backend does not say; 0 is no limit.'
    },
    whenFull: {
      enum: ['endOldest', 'denyNew'], default: LIMITS_DEFAULTS.whenFull,
      description: 'When a user is full: end its oldest session, or refuse the newcomer.'
    },
    barMs: {
      type: 'integer', minimum: 0, maximum: 86_400_000, default: LIMITS_DEFAULTS.barMs,
      description: 'How long whoever was ended for a newcomer is refused while the user is full, from its last try. In milliseconds.'
    },
    userParams: {
      type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 }, default: LIMITS_DEFAULTS.userParams,
      description: 'Parameters of the client\'s query that stand for the user where the backend names none.'
    },
    ignoreUsers: {
      type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 }, default: LIMITS_DEFAULTS.ignoreUsers,
      description: 'Ids that many share; * is any run of characters.'
    }
  },
  description: 'How many sessions a user may have at once; false ignores what the backend says.'
} as const

/** Completes the section with what the preset knows. */
export const limitsOf = (given: LimitsOptions | false | undefined, preset: LimitsOptions): LimitSettings | false =>
  given === false ? false : { ...LIMITS_DEFAULTS, ...preset, ...given }
