import type { Settings } from '../../access/settings.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'

/** Which web pages may read an answer. */
export interface Cors {
  /** Whether every page may, none with cookies: what node-media-server itself says of live streams. */
  readonly isOpen: boolean
  headersFor(req: Pick<HttpRequest, 'headers'>): Readonly<Record<string, string>>
  /** Sets the headers on an answer made by node-media-server, overriding its own. */
  allow(req: HttpRequest, res: HttpResponse): void
  /** Answers a preflight request. */
  preflight(req: HttpRequest, res: HttpResponse): void
}

const OPEN = { 'Access-Control-Allow-Origin': '*' }

export const createCors = ({ origins, credentials }: Settings['cors']): Cors => {
  const isOpen = origins[0] === '*'
  const known = new Set(origins)
  const headersFor: Cors['headersFor'] = ({ headers: { origin } }) => {
    if (isOpen) return OPEN
    // Otherwise a cache could give one page's answer to another.
    if (origin === undefined || !known.has(origin)) return { Vary: 'Origin' }
    return { 'Access-Control-Allow-Origin': origin, ...(credentials && { 'Access-Control-Allow-Credentials': 'true' }), Vary: 'Origin' }
  }
  return {
    isOpen,
    headersFor,
    allow(req, res) {
      for (const [name, value] of Object.entries(headersFor(req))) res.setHeader(name, value)
      if (isOpen) return
      const own = res as { setHeader: (name: string, value: string) => unknown }
      const set = own.setHeader.bind(res)
      own.setHeader = (name, value) => /^(?:access-control-|vary$)/i.test(name) ? res : set(name, value)
    },
    preflight(req, res) {
      const wanted = req.headers['access-control-request-headers']
      res.writeHead(204, {
        ...headersFor(req), 'Access-Control-Allow-Methods': 'GET, HEAD, POST, OPTIONS', ...(wanted !== undefined && { 'Access-Control-Allow-Headers': wanted })
      } as Record<string, string>)
      res.end()
    }
  }
}
