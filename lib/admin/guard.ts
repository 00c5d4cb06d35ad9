import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { AdminSettings } from '../access/settings.js'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Decides who may use the admin server. */
export interface Guard {
  /** Whether the `Host` is a name of this server. Under another name (DNS rebinding) nothing is served. */
  knowsHost(req: IncomingMessage): boolean
  /** Whether the request has the token, as `Authorization: Bearer`; compared in constant time. */
  hasToken(req: IncomingMessage): boolean
}

export const createGuard = ({ bind, hosts, token }: Pick<AdminSettings, 'bind' | 'hosts' | 'token'>): Guard => {
  const names = new Set(['localhost', '127.0.0.1', '[::1]', isIPv6(bind) ? `[${bind}]` : bind, ...hosts].map((name) => name.toLowerCase()))
  const expected = digest(token)
  return {
    // The port is left out, because a tunnel may change it.
    knowsHost: ({ headers: { host = '' } }) => names.has(host.replace(/:\d{1,5}$/, '').toLowerCase()),
    hasToken({ headers: { authorization = '' } }) {
      const given = /^Bearer ([\x21-\x7e]{1,1024})$/i.exec(authorization)?.[1]
      return timingSafeEqual(digest(given ?? ''), expected) && given !== undefined
    }
  }
}
