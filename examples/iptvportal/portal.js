// Stands in for IPTVPORTAL, so that this example can be tried without it:
//
//   KEY=key.pem CERT=cert.pem node portal.js                  listens on 127.0.0.1:6443, or PORT
//   curl -sk 'https://127.0.0.1:6443/new-token?path=/live/s'  what the portal puts behind a channel's link
//
// What the portal reads out of a token is not public. This one insists on what a media server must get right so
// that any token can work: the query arrives byte for byte, and the path is exactly the one that was asked for.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { pathToFileURL } from 'node:url'

const CHECK = '/auth/arescrypt/'

/**
 * @param options.tls what `https.createServer` takes: `key` and `cert`
 * @param options.tokenMs how long a token lives, in milliseconds: as long as its key
 * @param options.now milliseconds since any fixed point
 */
export const createPortal = ({ tls, tokenMs = 3_600_000, now = Date.now }) => {
  const tokens = new Map()
  const checks = []

  /** Full of what is changed by a server that decodes a query, or sorts it, or writes it anew. */
  const newToken = ({ path }) => {
    for (const [query, { until }] of tokens) if (until <= now()) tokens.delete(query)
    const query = `z=1&token=${randomBytes(16).toString('base64url')}%2f%2F%7E~+%2B%41==&&a=%C3%A4&z=%31`
    tokens.set(query, { path, until: now() + tokenMs })
    return query
  }

  const server = createServer(tls, (req, res) => {
    const mark = req.url.indexOf('?')
    const [path, query] = mark < 0 ? [req.url, ''] : [req.url.slice(0, mark), req.url.slice(mark + 1)]
    req.resume()
    if (path === CHECK) {
      checks.push({ method: req.method, url: req.url, headers: req.headers })
      const known = tokens.get(query)
      const valid = known !== undefined && known.until > now() && known.path === req.headers['x-real-path']
      res.writeHead(valid ? 200 : 403, { 'Content-Length': 0 }).end()
    } else if (path === '/new-token') {
      res.end(newToken({ path: new URLSearchParams(query).get('path') ?? '/live/s' }))
    } else res.writeHead(404).end()
  })
  return { server, checks, newToken }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { KEY = 'key.pem', CERT = 'cert.pem', PORT = 6443 } = process.env
  const { server } = createPortal({ tls: { key: readFileSync(KEY), cert: readFileSync(CERT) } })
  server.listen(Number(PORT), '127.0.0.1', () => {
    const url = `https://127.0.0.1:${server.address().port}`
    console.log(`a stand-in for IPTVPORTAL listens on ${url}\na token for the path /live/s: curl -sk '${url}/new-token?path=/live/s'`)
  })
}
