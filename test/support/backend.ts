import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { readFileSync } from 'node:fs'
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net'
import { certificatePath } from './certificates.js'
import { PATIENCE_MS, sleep, until } from './waiting.js'

/** One request as the backend got it. */
export interface Asked {
  readonly method: string
  /** The target, byte for byte. */
  readonly url: string
  /** The target behind the first `?`. */
  readonly query: string
  readonly rawHeaders: readonly string[]
  /** By lower-case name. */
  readonly headers: IncomingMessage['headers']
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What is done with a request. */
export interface BackendAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Waits this long before it answers. */
  readonly delayMs?: number
  /** Waits until `release()`. */
  readonly hold?: boolean
  /** Destroys the connection instead of answering. */
  readonly destroy?: boolean
}

/** An HTTP backend that a test controls. Without further orders token 123 is 200, any other 403. */
export interface ControlledBackend {
  readonly url: string
  readonly port: number
  /** Everything that was asked of a client, in order. */
  readonly requests: Asked[]
  /** Every probe, in order. */
  readonly probes: Asked[]
  /** Answers from now on: always the same, or as a function says. */
  answer(how: BackendAnswer | ((asked: Asked) => BackendAnswer)): void
  /** Back to the token. */
  reset(): void
  /** Answers those that are held (all, or those that match), as they were to be answered or otherwise. */
  release(answer?: BackendAnswer, matches?: (asked: Asked) => boolean): number
  /** Requests of clients that are held now; probes are held, too, and not told. */
  held(): Asked[]
  /** The first request, past or to come, whose target contains this. */
  waitFor(matches: string | ((asked: Asked) => boolean), ms?: number): Promise<Asked>
  /** Requests whose target contains this. */
  about(text: string): Asked[]
  close(): Promise<void>
}

/** The specification's example. */
export const byToken = ({ query }: Asked): BackendAnswer =>
  ({ status: new URLSearchParams(query).get('token') === '123' ? 200 : 403 })

/** The neutral question, which no client has asked. */
export const isProbe = ({ headers }: Pick<Asked, 'headers'>): boolean => String(headers['x-session-id']).startsWith('probe-')

/** Starts a backend on a free port of 127.0.0.1, or on one where another was before. */
export const startBackend = async ({ tls = false, port: wanted = 0 }: { tls?: boolean, port?: number } = {}): Promise<ControlledBackend> => {
  const requests: Asked[] = []
  const probes: Asked[] = []
  const holding = new Map<Asked, (change: BackendAnswer) => void>()
  const sockets = new Set<Socket>()
  let decide: (asked: Asked) => BackendAnswer = byToken

  const handle = async (asked: Asked, req: IncomingMessage, res: ServerResponse): Promise<void> => {
    let answer = decide(asked)
    if (answer.delayMs !== undefined) await sleep(answer.delayMs)
    if (answer.hold === true) {
      const change = await new Promise<BackendAnswer>((resolve) => holding.set(asked, resolve))
      holding.delete(asked)
      answer = { ...answer, ...change }
    }
    if (answer.destroy === true) req.socket.destroy()
    else res.writeHead(answer.status ?? 200, answer.headers).end(answer.body)
  }
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    const { method = '', url = '', rawHeaders, headers } = req
    const mark = url.indexOf('?')
    const asked = { method, url, query: mark < 0 ? '' : url.slice(mark + 1), rawHeaders, headers, at: Date.now() }
    if (isProbe(asked)) probes.push(asked)
    else requests.push(asked)
    res.on('error', () => undefined)
    void handle(asked, req, res)
  }
  const server = tls
    ? createSecureServer({ key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath('server.pem')) }, listener)
    : createServer(listener)
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket: Socket) => { sockets.add(socket.on('close', () => sockets.delete(socket))) })
  await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    probes,
    answer(how) { decide = typeof how === 'function' ? how : () => how },
    reset() { decide = byToken },
    release(answer = {}, matches = () => true) {
      const chosen = [...holding].filter(([asked]) => matches(asked))
      for (const [, go] of chosen) go(answer)
      return chosen.filter(([asked]) => !isProbe(asked)).length
    },
    held: () => [...holding.keys()].filter((asked) => !isProbe(asked)),
    async waitFor(matches, ms = PATIENCE_MS) {
      const fits = typeof matches === 'function' ? matches : (asked: Asked) => asked.url.includes(matches)
      await until(() => requests.some(fits), () => `the backend is asked ${matches.toString()}; it was asked ${JSON.stringify(requests.map(({ url }) => url))}`, ms)
      return requests.find(fits)!
    },
    about: (text) => requests.filter(({ url }) => url.includes(text)),
    close: () => new Promise((resolve) => {
      for (const [, go] of holding) go({ destroy: true })
      for (const socket of sockets) socket.destroy()
      server.close(() => resolve())
    })
  }
}

/** A port of 127.0.0.1 on which nobody listens, or can listen until it is closed. */
export const refusingPort = async (): Promise<{ port: number, url: string, close(): Promise<void> }> => {
  // The other end of a connection has a port, too, and nobody can listen on that.
  const server = createNetServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const peer = await new Promise<Socket>((resolve) => server.once('connection', resolve))
  const port = client.localPort ?? peer.remotePort ?? 0
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => {
      client.destroy()
      peer.destroy()
      server.close(() => resolve())
    })
  }
}
