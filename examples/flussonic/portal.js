// Stands in for a backend that was written for Flussonic, so that this example can be tried without one:
//
//   node portal.js                                         listens on 127.0.0.1:6000, or PORT
//   curl -s 'http://127.0.0.1:6000/new-token?name=live/s'  what the portal puts behind the link to the stream
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const REQUIRED = ['name', 'ip', 'proto', 'session_id', 'request_type', 'request_number', 'token']

/**
 * @param options.authSeconds what `X-AuthDuration` says
 * @param options.maxSessions what `X-Max-Sessions` says
 * @param options.tokenMs how long a token opens new sessions, in milliseconds; a session that runs may go on until the user is taken out
 * @param options.now milliseconds since any fixed point
 */
export const createPortal = ({ authSeconds = 180, maxSessions = 2, tokenMs = 60_000, now = Date.now } = {}) => {
  const tokens = new Map()
  const sessions = new Map()
  const checks = []

  const newToken = ({ name = 'live/s', userId = 'ann' } = {}) => {
    for (const [token, { until }] of tokens) if (until <= now()) tokens.delete(token)
    const token = randomBytes(16).toString('hex')
    tokens.set(token, { name, userId, until: now() + tokenMs })
    return `token=${token}`
  }

  /** Who may watch, or nothing. */
  const userOf = (params) => {
    if (params.get('request_type') === 'update_session') return sessions.get(params.get('session_id'))
    const known = tokens.get(params.get('token'))
    if (known === undefined || known.until <= now() || known.name !== params.get('name')) return undefined
    sessions.set(params.get('session_id'), known.userId)
    return known.userId
  }

  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url, 'http://portal')
    req.resume()
    if (pathname === '/auth') {
      checks.push({ method: req.method, url: req.url, headers: req.headers })
      // Some of these backends know two words and nothing else: they never answer a third.
      if (!['new_session', 'update_session'].includes(searchParams.get('request_type'))) return
      const userId = REQUIRED.every((name) => searchParams.has(name)) ? userOf(searchParams) : undefined
      if (userId === undefined) res.writeHead(403, { 'X-AuthDuration': '0' }).end()
      else res.writeHead(200, { 'X-AuthDuration': String(authSeconds), 'X-UserId': userId, 'X-Max-Sessions': String(maxSessions) }).end()
    } else if (pathname === '/new-token') res.end(newToken({ name: searchParams.get('name') ?? undefined }))
    else res.writeHead(404).end()
  })
  return { server, checks, newToken, takeOut: (userId) => { for (const [id, user] of sessions) if (user === userId) sessions.delete(id) } }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { server } = createPortal()
  server.listen(Number(process.env.PORT ?? 6000), '127.0.0.1', () => {
    const url = `http://127.0.0.1:${server.address().port}`
    console.log(`a stand-in for a Flussonic backend listens on ${url}/auth\na token: curl -s '${url}/new-token?name=live/s'`)
  })
}
