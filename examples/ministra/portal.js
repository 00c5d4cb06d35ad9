// Stands in for a Ministra / Stalker portal, so that this example can be tried without one:
//
//   node portal.js                                   listens on 127.0.0.1:6000, or PORT
//   curl -s http://127.0.0.1:6000/new-token          what the portal puts behind a channel's link
//
// It answers as chk_flussonic_tmp_link.php does, the odd ways of that script included.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

/** The hosted product has the script without the prefix. */
const SCRIPT = /^(?:\/stalker_portal)?\/server\/api\/chk_flussonic_tmp_link\.php$/

const decoded = (text) => text.replaceAll('+', ' ').replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))

/** What PHP has in $_GET['token']: the last one counts, and `token[]=1` makes a list of it. */
const tokenIn = (query) => {
  let token
  for (const part of query.split('&')) {
    const [rawName = '', ...value] = part.split('=')
    const name = decoded(rawName).split('\0')[0].replace(/^ +/, '')
    if (name === 'token') token = decoded(value.join('='))
    else if (/^token\[[^\]]*\]/.test(name)) token = [decoded(value.join('='))]
  }
  return token
}

/**
 * @param options.tokenMs how long a token lives, in milliseconds; a check does not use it up
 * @param options.authSeconds what X-AuthDuration says
 * @param options.now milliseconds since any fixed point
 */
export const createPortal = ({ tokenMs = 5000, authSeconds = 36000, maxSessions = 10, now = Date.now } = {}) => {
  const tokens = new Map()
  const checks = []
  let broken = false

  const newToken = ({ userId = '1001' } = {}) => {
    for (const [token, { until }] of tokens) if (until <= now()) tokens.delete(token)
    const token = randomBytes(16).toString('hex')
    tokens.set(token, { userId, until: now() + tokenMs })
    return `token=${token}`
  }

  const check = (req, res, query) => {
    checks.push({ method: req.method, url: req.url, headers: req.headers })
    const token = tokenIn(query)
    // PHP sends what a script has printed so far with status 200, also when the script dies.
    if (broken || Array.isArray(token)) {
      res.writeHead(200, { 'Content-Type': 'text/html; charset=UTF-8' }).end('<br />\n<b>Fatal error</b>:  Uncaught Error in <b>chk_flussonic_tmp_link.php</b><br />\n')
      return
    }
    const viewer = req.method === 'GET' || req.method === 'HEAD' ? tokens.get(token) : undefined
    if (viewer === undefined || viewer.until <= now()) res.writeHead(403, { 'Content-Length': 0 }).end()
    else res.writeHead(200, { 'X-AuthDuration': authSeconds, 'X-Unique': 'true', 'X-Max-Sessions': maxSessions, 'X-UserId': viewer.userId, 'Content-Length': 0 }).end()
  }

  const server = createServer((req, res) => {
    const [path, ...query] = req.url.split('?')
    req.resume()
    if (SCRIPT.test(path)) check(req, res, query.join('?'))
    else if (path === '/new-token') res.end(newToken())
    else res.writeHead(404).end()
  })
  /** Makes the script fail for everybody, as it does when an extension of PHP is missing. */
  const setBroken = (value) => { broken = value }
  return { server, checks, newToken, setBroken }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { server } = createPortal()
  server.listen(Number(process.env.PORT ?? 6000), '127.0.0.1', () => {
    const url = `http://127.0.0.1:${server.address().port}`
    console.log(`a stand-in for Ministra listens on ${url}\na fresh token, good for 5 seconds: curl -s ${url}/new-token`)
  })
}
