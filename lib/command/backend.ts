import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Misuse } from '../errors.js'
import { printable } from '../mask.js'
import { readArguments } from './arguments.js'

const DEFAULT_TOKEN = '123'

const USAGE = `nms-http-auth backend: a small backend for trying things out, on your own machine only

  nms-http-auth backend [--port 6000] [--token ${DEFAULT_TOKEN}]

It answers 200 if the parameter "token" is the given one and 403 if not, and prints what it is
asked, as the PHP script of the specification does.

  --port PORT    the port on 127.0.0.1, default 6000; 0 takes any free one
  --token TOKEN  the token it lets in, default ${DEFAULT_TOKEN}
  -h, --help     show this
`

export interface TokenBackend {
  /** Clients that send it as the parameter `token` are let in. */
  readonly token?: string
  /** Prints a request, as one text of several lines. */
  readonly print?: (text: string) => void
}

/** The five headers of a request, with the labels of the script in the specification. */
const ROWS = [
  [' Session ID', 'x-session-id'], ['    Real IP', 'x-real-ip'], ['  Real Path', 'x-real-path'],
  ['Real Origin', 'x-real-origin'], ['    Real UA', 'x-real-ua']
] as const

/** Node reads headers as Latin-1; the plugin sends UTF-8. */
const text = (value: string | string[] | undefined): string => printable(Buffer.from(String(value ?? ''), 'latin1').toString('utf8'))

/**
 * The backend of the specification's example: 200 for one token, 403 for every other. Of several
 * parameters `token` the last one counts, as PHP reads them.
 */
export const tokenBackend = ({ token = DEFAULT_TOKEN, print = console.log }: TokenBackend = {}): RequestListener => (req, res) => {
  const url = req.url ?? ''
  const mark = url.indexOf('?')
  const given = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)).getAll('token').at(-1)
  const status = given === token ? 200 : 403
  const probe = req.headers['x-session-id']?.toString().startsWith('probe-') === true
  print([`[${new Date().toISOString()}] ${status}${probe ? ', to the probe: the plugin asks whether the backend answers' : ''}`, ...ROWS.map(([title, name]) => `${title}: ${text(req.headers[name])}`)].join('\n'))
  req.resume()
  const ip = req.headers['x-real-ip']
  // `check` compares it with what was sent, because a proxy on the way may have replaced the address.
  res.writeHead(status, { 'Content-Length': 0, ...(ip !== undefined && { 'X-Real-Ip': ip }) }).end()
}

/** Runs that backend until the process is ended. */
export const backend = async (args: string[]): Promise<number | undefined> => {
  let given
  try {
    given = readArguments({ args, options: { port: { type: 'string' }, token: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    if (!(error instanceof Misuse)) throw error
    return fail(3, `${error.message}\nSee: nms-http-auth backend --help`)
  }
  if (given.help === true) {
    process.stdout.write(USAGE)
    return 0
  }
  const { port = '6000', token = DEFAULT_TOKEN } = given
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) return fail(3, `--port must be a number from 0 to 65535, got ${JSON.stringify(port)}`)
  if (token === '') return fail(3, '--token must not be empty')
  const server = createServer(tokenBackend({ token }))
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(Number(port), '127.0.0.1', resolve)
    })
  } catch (error) {
    return fail(1, reasonOf(error as NodeJS.ErrnoException, port))
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  console.log(`a backend listens on ${url} and lets in who has ${token === DEFAULT_TOKEN ? `the token ${token}` : 'the given token'}; Ctrl+C ends it`)
  return undefined
}

const reasonOf = ({ code, message }: NodeJS.ErrnoException, port: string): string => {
  if (code === 'EADDRINUSE') return `port ${port} of 127.0.0.1 is in use; end what listens there or choose another with --port`
  if (code === 'EACCES') return `port ${port} of 127.0.0.1 may not be used by this user; choose one above 1023 with --port`
  return `cannot listen on port ${port} of 127.0.0.1: ${message}`
}

const fail = (code: number, message: string): number => {
  process.stderr.write(`nms-http-auth backend: ${message}\n`)
  return code
}
