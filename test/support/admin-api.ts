import { randomBytes } from 'node:crypto'
import type { Ports } from './server.js'

const USER = { username: 'admin', password: randomBytes(12).toString('hex') }

/** Sections of NMS's config that open its admin API and its web pages. */
export const ADMIN_CONFIG = {
  webadmin: { enable: true },
  auth: { jwt: { secret: randomBytes(32).toString('hex'), expiresIn: '1h', users: [{ ...USER, role: 'admin' }] } }
}

/** One entry of the admin API's list of sessions. */
export interface ListedSession {
  readonly id: string
  /** `address:port` */
  readonly ip: string
  readonly isPublisher: boolean
  readonly protocol: string
  readonly inBytes: number
  readonly outBytes: number
}

/** NMS's admin API as an operator uses it, over plain HTTP. */
export interface AdminApi {
  readonly token: string
  /** Asks below `/api/v1`, and resolves with the answer's `data`; throws for any status but 200. */
  ask<T = unknown>(path: string, method?: string, body?: object): Promise<T>
  sessions(): Promise<ListedSession[]>
  closeSession(id: string): Promise<void>
}

/** Logs in to a server whose config has `ADMIN_CONFIG`. */
export const adminApi = async ({ http }: Ports): Promise<AdminApi> => {
  const call = async <T>(path: string, method: string, headers: Record<string, string>, body?: object): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${http}/api/v1${path}`, {
      method, headers: { connection: 'close', 'content-type': 'application/json', ...headers }, ...(body && { body: JSON.stringify(body) })
    })
    if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json() as { data: T }).data
  }
  const { token } = await call<{ token: string }>('/login', 'POST', {}, USER)
  const ask: AdminApi['ask'] = (path, method = 'GET', body) => call(path, method, { authorization: `Bearer ${token}` }, body)
  return {
    token,
    ask,
    sessions: async () => (await ask<{ sessions: ListedSession[] }>('/sessions')).sessions,
    closeSession: async (id) => { await ask(`/sessions/${id}`, 'DELETE') }
  }
}
