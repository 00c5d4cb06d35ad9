import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AdminSettings } from '../../../lib/access/settings.js'
import { startAdmin, type AdminServer } from '../../../lib/admin/server.js'
import type { Behind, RunningSession } from '../../../lib/admin/behind.js'
import { createCounters } from '../../../lib/observe/stats.js'
import { requestOf } from '../policy/support.js'
import { until } from '../../support/waiting.js'

export const TOKEN = 'a-token-of-the-operator'

/** A session that runs, by what differs. */
export const sessionOf = (id: string, more: { user?: string, nextCheckAt?: number, ip?: string, streamPath?: string, userAgent?: string } = {}, startedAt = 0): RunningSession => {
  const { user, nextCheckAt, ...facts } = more
  const request = requestOf({ sessionId: id, ...facts })
  const { action, protocol, ip, path, streamPath, userAgent } = request
  return {
    request, shownUser: user, startedAt, 
    record: () => ({
      id, action, protocol, ip, path, streamPath, userAgent, ...(user !== undefined && { user }), ...(nextCheckAt !== undefined && { nextCheckAt }),
      startedAt, inBytes: 1, outBytes: 2
    })
  }
}

/** Something for the admin server to show; what is done is noted. */
export const behindOf = (more: Partial<Behind> = {}): Behind & { readonly ended: unknown[] } => {
  const ended: unknown[] = []
  const counters = createCounters()
  return {
    sessions: [],
    ended,
    inForce: () => ({ version: '0.1.0', host: '4.4.3', settings: ['players: asks http://127.0.0.1:6000/'], warnings: [] }),
    stats: () => ({ ...counters.read(), held: 0, viewers: 0, backends: [{ at: '127.0.0.1:6000', up: true, breakerOpen: false, answers: 1, waiting: 0, latencyMs: 12 }], dropped: {}, dryRun: false }),
    outage: () => undefined,
    ready: () => true,
    end: (which, barMs) => { ended.push([which, barMs]); return Promise.resolve('id' in which && which.id === 'missing' ? 0 : 1) },
    reload: () => Promise.resolve(),
    metrics: () => Promise.resolve('nms_http_auth_held 0\n'),
    ...more
  }
}

export interface Reply { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: string, json(): Record<string, unknown> }

export interface TestAdmin {
  readonly server: AdminServer
  readonly port: number
  readonly errors: string[]
  ask(path: string, options?: { method?: string, token?: string | undefined, headers?: Record<string, string> }): Promise<Reply>
}

export const startTestAdmin = async (behind: Behind, settings: Partial<AdminSettings> = {}): Promise<TestAdmin> => {
  const lines: string[] = []
  const errors: string[] = []
  const server = startAdmin({ port: 0, bind: '127.0.0.1', token: TOKEN, hosts: [], metricsOpen: false, ...settings }, behind,
    { banner: (given) => lines.push(...given), notice: (text) => lines.push(text), error: (text) => errors.push(text) })
  await until(() => lines.length > 0, 'it listens')
  const port = Number(/:(\d+)\/$/.exec(lines[0] ?? '')?.[1])
  return {
    server, port, errors,
    ask: (path, { method = 'GET', token = TOKEN, headers = {} } = {}) => new Promise((resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', path, method, agent: false, headers: { ...(token !== '' && { authorization: `Bearer ${token}` }), ...headers } }, (res) => {
        let body = ''
        res.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => resolve({
          status: res.statusCode ?? 0, headers: res.headers, body, json: () => JSON.parse(body) as Record<string, unknown>
        })).on('error', reject)
      }).on('error', reject).end()
    })
  }
}
