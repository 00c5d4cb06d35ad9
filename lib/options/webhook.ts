import type { WebhookSettings } from '../access/settings.js'

/** Posts the start and end of each session to a program of yours. */
export interface WebhookOptions {
  /** URL for the events: http or https. Required. */
  url: string
  /** Which events are sent. Default both. */
  events?: ('start' | 'end')[]
  /** Extra headers. Default none. */
  headers?: Record<string, string>
  /** Key for `X-Signature`, 16 characters or more. Default none: events are not signed. */
  secret?: string
}

export const WEBHOOK_DEFAULTS = { events: ['start', 'end'], headers: {} } as const

export const WEBHOOK_SCHEMA = {
  type: 'object', additionalProperties: false, required: ['url'],
  properties: {
    url: { type: 'string', format: 'backend-url', description: 'URL for the events.' },
    events: {
      type: 'array', minItems: 1, uniqueItems: true, items: { enum: ['start', 'end'] }, default: WEBHOOK_DEFAULTS.events,
      description: 'Which events are sent.'
    },
    headers: {
      type: 'object', default: WEBHOOK_DEFAULTS.headers,
      propertyNames: { format: 'webhook-header-name' }, additionalProperties: { type: 'string', format: 'header-value' },
      description: 'Extra headers.'
    },
    secret: { type: 'string', minLength: 16, description: 'Key for the signature in X-Signature; without it events are not signed.' }
  },
  description: 'Posts the start and end of each session to a program of yours. Off unless it is set.'
} as const

export const webhookOf = (options: WebhookOptions): WebhookSettings => ({ ...WEBHOOK_DEFAULTS, ...options })
