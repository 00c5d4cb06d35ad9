import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import type { AdminSettings } from '../access/settings.js'

/** The operator's HTTP server: page, API, metrics, health. Without this section it is not even loaded. */
export interface AdminOptions {
  /** Port to listen on; 0 picks a free one, which the start prints. Required. */
  port: number
  /** Address to listen on. Default 127.0.0.1; any address but a loopback one needs `hosts`. */
  bind?: string
  /** The token that clients send as `Authorization: Bearer`, 16 characters or more. This or `tokenFile` is required. */
  token?: string
  /** A file with the token. Read once, at the start. */
  tokenFile?: string
  /** Host names, without port, under which it can be reached besides loopback names and `bind`. Default none. */
  hosts?: string[]
  /** Whether `/metrics` needs no token. Default false. */
  metricsOpen?: boolean
}

export const ADMIN_DEFAULTS = { bind: '127.0.0.1', hosts: [], metricsOpen: false } as const

export const ADMIN_SCHEMA = {
  type: 'object', additionalProperties: false, required: ['port'],
  properties: {
    port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'Port of the admin server; 0 picks a free one.' },
    bind: { type: 'string', format: 'address', default: ADMIN_DEFAULTS.bind, description: 'Address to listen on.' },
    token: { type: 'string', minLength: 1, description: 'Sent as Authorization: Bearer; 16 characters or more.' },
    tokenFile: { type: 'string', minLength: 1, description: 'A file with the token.' },
    hosts: {
      type: 'array', uniqueItems: true, items: { type: 'string', format: 'host-name' }, default: ADMIN_DEFAULTS.hosts,
      description: 'Host names, without port, under which it can be reached besides localhost and bind.'
    },
    metricsOpen: { type: 'boolean', default: ADMIN_DEFAULTS.metricsOpen, description: 'Whether /metrics needs no token.' }
  },
  description: 'The admin server: page, API, metrics, health. Off unless it is set.'
} as const

/** A token that cannot be guessed and fits into a header. */
const TOKEN = /^[\x21-\x7e]{16,512}$/
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1)$/

/** Completes the section and reads its token. A problem never quotes the token. */
export const adminOf = (options: AdminOptions, baseDir: string, report: (path: string, problem: string) => unknown): AdminSettings => {
  const { port, bind, hosts, metricsOpen, token, tokenFile } = { ...ADMIN_DEFAULTS, ...options }
  const offer = (): string => `such as this new one: ${randomBytes(24).toString('base64url')}`
  if (token !== undefined && tokenFile !== undefined) report('httpAuth.admin', 'must have token or tokenFile, not both')
  if (token === undefined && tokenFile === undefined) report('httpAuth.admin.token', `is required, ${offer()}`)
  let secret = token
  if (tokenFile !== undefined) {
    try {
      secret = readFileSync(resolvePath(baseDir, tokenFile), 'utf8').trim()
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
      report('httpAuth.admin.tokenFile', `must be a file that can be read (${code})`)
    }
  }
  if (secret !== undefined && !TOKEN.test(secret)) {
    report(`httpAuth.admin.${tokenFile === undefined ? 'token' : 'tokenFile'}`, `must be 16 to 512 visible ASCII characters, ${offer()}`)
  }
  if (!LOOPBACK.test(bind) && hosts.length === 0) {
    report('httpAuth.admin.hosts', `is required with bind ${JSON.stringify(bind)}: the host names under which the admin server can be reached. It speaks plain HTTP, so put a TLS proxy in front of it`)
  }
  return { port, bind, token: secret ?? '', hosts: hosts.map((host) => host.toLowerCase()), metricsOpen }
}
