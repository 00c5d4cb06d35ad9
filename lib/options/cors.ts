import type { Settings } from '../access/settings.js'

/** Which web pages may play, and read why they are refused. */
export interface CorsOptions {
  /** Origins such as `https://tv.example.com`. Default `["*"]`: all. */
  origins?: string[]
  /** Whether players that send cookies (`withCredentials`) may read the answers. Default false; needs named `origins`. */
  credentials?: boolean
}

export const CORS_DEFAULTS = { origins: ['*'], credentials: false } as const

export const CORS_SCHEMA = {
  type: 'object', additionalProperties: false, default: CORS_DEFAULTS,
  properties: {
    origins: {
      type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string', format: 'origin-or-all' }, default: CORS_DEFAULTS.origins,
      description: 'Origins of web pages that may play; "*" means all.'
    },
    credentials: {
      type: 'boolean', default: CORS_DEFAULTS.credentials, description: 'Whether players that send cookies may read the answers. Needs named origins.'
    }
  },
  description: 'Which web pages may play.'
} as const

/** Completes the section; browsers reject credentials together with `*`. */
export const corsOf = (options: CorsOptions, report: (path: string, problem: string) => unknown): Settings['cors'] => {
  const { origins, credentials } = { ...CORS_DEFAULTS, ...options }
  const all = origins.includes('*')
  if (all && credentials) report('httpAuth.cors.credentials', 'needs named origins, because browsers reject credentials with "*"')
  return { origins: all ? ['*'] : origins.map((origin) => new URL(origin).origin), credentials }
}
