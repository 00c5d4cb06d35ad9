import type { Settings } from '../../access/settings.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'

/** Which web pages may read an answer, as headers say it. */
export interface Cors {
  /** Whether every page may, and none with cookies: node-media-server says the same of live streams. */
  readonly isOpen: boolean
  headersFor(req: Pick<HttpRequest, 'headers'>): Readonly<Record<string, string>>
  /** Sets them on an answer that node-media-server makes, whatever it says itself. */
  allow(req: HttpRequest, res: HttpResponse): void
  /** Answers a page that asks whether it may ask. */
  preflight(req: HttpRequest, res: HttpResponse): void
}

const OPEN = { 'Access-Control-Allow-Origin': '*' }

export const createCors = ({ origins, credentials }: Settings['cors']): Cors => {
  const isOpen = origins[0] === '*'
  const known = new Set(origins)
  const headersFor: Cors['headersFor'] = ({ headers: { origin } }) => {
    if (isOpen) return OPEN
    // No cache may give one page's answer to another.
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
