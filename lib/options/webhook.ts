import type { WebhookSettings } from '../access/settings.js'

/** Tells a program of yours that a session starts or ends. Absent: nobody is told. */
export interface WebhookOptions {
  /** Where events are posted to: http or https. Required. */
  url: string
  /** Which are told. Default both. */
  events?: ('start' | 'end')[]
  /** Sent with each. Default none. */
  headers?: Record<string, string>
  /** Key of `X-Signature`, 16 characters or more. Default none: nothing is signed. */
  secret?: string
}

export const WEBHOOK_DEFAULTS = { events: ['start', 'end'], headers: {} } as const

export const WEBHOOK_SCHEMA = {
  type: 'object', additionalProperties: false, required: ['url'],
  properties: {
    url: { type: 'string', format: 'backend-url', description: 'Where events are posted to.' },
    events: {
      type: 'array', minItems: 1, uniqueItems: true, items: { enum: ['start', 'end'] }, default: WEBHOOK_DEFAULTS.events,
      description: 'Which events are told.'
    },
    headers: {
      type: 'object', default: WEBHOOK_DEFAULTS.headers,
      propertyNames: { format: 'webhook-header-name' }, additionalProperties: { type: 'string', format: 'header-value' },
      description: 'Sent with each event.'
    },
    secret: { type: 'string', minLength: 16, description: 'Key of the signature in X-Signature; without it nothing is signed.' }
  },
  description: 'Posts the start and end of each session to a program of yours. Off unless it is given.'
} as const

export const webhookOf = (options: WebhookOptions): WebhookSettings => ({ ...WEBHOOK_DEFAULTS, ...options })
