// Stands in for a Microimpuls Smarty portal, so that this example can be tried without one:
//
//   node portal.js                                         listens on 127.0.0.1:6000, or PORT
//   curl -s 'http://127.0.0.1:6000/new-token?name=s'       what the portal puts behind the link to the content s
//
// CHECK_IP=1 has it compare addresses, too.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const CHECK = '/tvmiddleware/api/streamservice/token/check/'

const VALID = 0
const EXPIRED = 1
const OTHER_CONTENT = 2
const OTHER_ADDRESS = 3

/**
 * @param options.tokenMs how long a token lives from its last check, in milliseconds
 * @param options.mostMs how long it lives at most, however often it is checked, in milliseconds
 * @param options.checkIp whether a token is good for one address only
 * @param options.now milliseconds since any fixed point
 */
export const createPortal = ({ tokenMs = 3_600_000, mostMs = 10_800_000, checkIp = false, now = Date.now } = {}) => {
  const tokens = new Map()
  const checks = []

  const newToken = ({ name, ip = '127.0.0.1' }) => {
    for (const [token, { until }] of tokens) if (until <= now()) tokens.delete(token)
    const token = randomBytes(16).toString('hex')
    tokens.set(token, { name, ip, until: now() + tokenMs, last: now() + mostMs })
    return `token=${token}`
  }

  /** Both `name` and `ip` are compared only if they are there: a media server that does not send them checks nothing. */
  const errorOf = (params) => {
    const last = (name) => params.getAll(name).at(-1)
    const known = tokens.get(last('token'))
    if (known === undefined || known.until <= now()) return EXPIRED
    if (last('name') !== undefined && last('name') !== known.name) return OTHER_CONTENT
    if (checkIp && last('ip') !== undefined && last('ip') !== known.ip) return OTHER_ADDRESS
    known.until = Math.min(now() + tokenMs, known.last)
    return VALID
  }

  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url, 'http://portal')
    req.resume()
    if (pathname === CHECK) {
      checks.push({ method: req.method, url: req.url, headers: req.headers })
      // The status says nothing: a denial is 200 as well.
      res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: errorOf(searchParams) }))
    } else if (pathname === '/new-token') {
      res.end(newToken({ name: searchParams.get('name') ?? 's', ip: searchParams.get('ip') ?? '127.0.0.1' }))
    } else res.writeHead(404).end()
  })
  return { server, checks, newToken }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { server } = createPortal({ checkIp: process.env.CHECK_IP === '1' })
  server.listen(Number(process.env.PORT ?? 6000), '127.0.0.1', () => {
    const url = `http://127.0.0.1:${server.address().port}`
    console.log(`a stand-in for Smarty listens on ${url}\na token for the content s: curl -s '${url}/new-token?name=s'`)
  })
}
