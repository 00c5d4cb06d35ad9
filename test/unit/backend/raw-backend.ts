import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { AccessRequest } from '../../../lib/access/request.js'
import type { BackendSettings } from '../../../lib/access/settings.js'
import type { Verdict } from '../../../lib/access/verdict.js'
import { createBackend, type Backend, type BackendHooks } from '../../../lib/backend/backend.js'
import { BackendUnavailable } from '../../../lib/errors.js'

export const access = (change: Partial<AccessRequest> = {}): AccessRequest => ({
  sessionId: 'ABCD1234', action: 'play', protocol: 'http-flv', ip: '203.0.113.7', path: '/live/s.flv',
  origin: 'http://live.example.com', userAgent: 'player/1', query: 'token=123', streamPath: '/live/s', ...change
})

export const settingsFor = (urls: readonly string[], change: Partial<BackendSettings> = {}): BackendSettings => ({
  urls, strategy: 'failover', defaultAction: 'deny', timeoutMs: 1000, maxConnections: 8, headers: {}, params: {},
  unavailableStatuses: [], tls: { rejectUnauthorized: true }, requireHeader: null, denyBody: false, rememberMs: 0, rememberDenialMs: 0, redirects: false,
  lastVerdictMs: 0, recheck: false, recheckMs: 0, probe: { path: '/probe/probe', query: '' }, breaker: false, ...change
})

/** What a raw backend does with one request, given its text and how many came before it. */
export type Answer = (socket: Socket, request: string, index: number) => void

export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
export const forbidden = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'

/** A backend that answers with bytes of the test's choice. */
export interface RawBackend {
  readonly url: string
  readonly port: number
  /** The text of every request of a client. */
  readonly requests: string[]
  /** The text of every probe. It is answered as the newest request was, or as the first would be. */
  readonly probes: string[]
  /** Every connection that was accepted, in order, but for those of probes. */
  readonly sockets: Socket[]
  /** Connections that are open now. */
  open(): number
  close(): Promise<void>
}

/** Reads requests off a socket of either kind and hands each to `onRequest`. */
const readRequests = (socket: Socket, onRequest: (text: string) => void): void => {
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const request = text.slice(0, end)
      text = text.slice(end + 4)
      onRequest(request)
    }
  })
}

export const rawBackend = async (answer: Answer, { server = createServer(), event = 'connection', scheme = 'http', probe = answer }: { server?: Server, event?: string, scheme?: string, probe?: Answer } = {}): Promise<RawBackend> => {
  const requests: string[] = []
  const probes: string[] = []
  const sockets: Socket[] = []
  const raw = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    raw.add(socket.on('error', () => undefined).on('close', () => raw.delete(socket)))
  })
  server.on(event, (socket: Socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
    readRequests(socket, (text) => {
      if (text.includes('X-Session-Id: probe-')) {
        probes.push(text)
        sockets.splice(sockets.indexOf(socket), 1)
        return probe(socket, text, Math.max(0, requests.length - 1))
      }
      requests.push(text)
      answer(socket, text, requests.length - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    requests,
    probes,
    sockets,
    open: () => raw.size,
    close: () => new Promise((resolve) => {
      for (const socket of raw) socket.destroy()
      server.close(() => resolve())
    })
  }
}

/** Backends and servers of one test, closed after it whatever happened. */
export const cleanup = (): { <T extends { close(): Promise<void> }>(thing: T): T, run(): Promise<void> } => {
  const things: { close(): Promise<void> }[] = []
  const keep = <T extends { close(): Promise<void> }>(thing: T): T => {
    things.push(thing)
    return thing
  }
  return Object.assign(keep, {
    run: async () => { for (const thing of things.splice(0)) await thing.close() }
  })
}

export const backendFor = (urls: string | readonly string[], change: Partial<BackendSettings> = {}, hooks: BackendHooks = {}): Backend =>
  createBackend(settingsFor(typeof urls === 'string' ? [urls] : urls, change), hooks)

export const ask = (backend: Backend, change: Partial<AccessRequest> = {}, signal = new AbortController().signal): Promise<Verdict> =>
  backend.authorize(access(change), signal)

/** The outage that a question must have met. */
export const outage = async (verdict: Promise<Verdict>): Promise<BackendUnavailable> => {
  const got: unknown = await verdict.catch((error: unknown) => error)
  if (got instanceof BackendUnavailable) return got
  throw new Error(`expected an outage, got ${JSON.stringify(got)} ${String(got)}`)
}

export const until = async (condition: () => boolean, what: string, ms = 3000): Promise<void> => {
  const end = Date.now() + ms
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
