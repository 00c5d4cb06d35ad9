import { request } from 'undici'
import type { TestServer } from './server.js'
import { until } from './waiting.js'

export const ADMIN_TOKEN = 'an-operator-of-the-tests'

/** The section that opens the plugin's admin server on any free port. */
export const ADMIN = { port: 0, token: ADMIN_TOKEN } as const

/** The admin server of a test server, once it listens. */
export interface TestAdmin {
  readonly url: string
  /** Asks with the token; throws for any status but 200. */
  ask<T>(path: string, method?: 'GET' | 'DELETE' | 'POST'): Promise<T>
  status(path: string): Promise<number>
}

export const adminOf = async (server: Pick<TestServer, 'log'>): Promise<TestAdmin> => {
  const address = (): string | undefined => /admin server: (http:\/\/\S+\/)/.exec(server.log())?.[1]
  await until(() => address() !== undefined, () => `the admin server listens; ${server.log()}`)
  const url = address() ?? ''
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  return {
    url,
    async ask<T>(path: string, method: 'GET' | 'DELETE' | 'POST' = 'GET') {
      const { statusCode, body } = await request(new URL(path, url), { method, headers })
      const text = await body.text()
      if (statusCode !== 200) throw new Error(`${method} ${path}: ${statusCode} ${text}`)
      return (path === 'metrics' ? text : JSON.parse(text)) as T
    },
    async status(path) {
      const { statusCode, body } = await request(new URL(path, url), { headers })
      await body.dump()
      return statusCode
    }
  }
}
