import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestServer } from './server.js'

/** An answer that an HTTP client got, seen from inside the server's process. */
export interface Served {
  readonly url: string
  readonly status: number
  readonly userAgent: string
  /** What it asked for; empty for all. */
  readonly range: string
}

/** Notes what is answered over HTTP from now on; the function that it resolves with tells what was until then. */
export const watchServed = async (server: TestServer): Promise<() => Promise<Served[]>> => {
  await server.evaluate(({ nms, state }) => {
    const served: Served[] = []
    state['served'] = served
    // In front of all others, who change the request.
    nms.httpServer.httpServer?.prependListener('request', ({ url = '', headers }: IncomingMessage, res: ServerResponse) => {
      const { 'user-agent': userAgent = '', range = '' } = headers
      res.on('close', () => served.push({ url, status: res.statusCode, userAgent, range }))
    })
  })
  return () => server.evaluate(({ state }) => state['served'] as Served[])
}
