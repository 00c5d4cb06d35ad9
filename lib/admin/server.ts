import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { authorityOf } from '../access/address.js'
import type { AdminSettings } from '../access/settings.js'
import { errorText } from '../mask.js'
import type { Sink } from '../observe/hub.js'
import { safely } from '../safely.js'
import { createApi } from './api.js'
import type { Behind } from './behind.js'
import { createGuard } from './guard.js'
import { createStreams } from './streams.js'

/** Limits for clients that send slowly or too much. Times are in milliseconds. */
const LIMITS = { maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 5000, connectionsCheckingInterval: 1000 }
const MAX_CONNECTIONS = 256

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': 'default-src \'none\'; script-src \'self\'; style-src \'self\'; connect-src \'self\'; frame-ancestors \'none\'; base-uri \'none\'; form-action \'none\'',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff'
} as const

const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' } as const

/** The three files of the page, which lie beside this one; read once. */
const PAGE: ReadonlyMap<string, { readonly type: string, readonly body: Buffer }> = new Map(([['/', 'html'], ['/page.js', 'js'], ['/page.css', 'css']] as const)
  .map(([path, kind]) => [path, { type: TYPES[kind], body: readFileSync(new URL(`page.${kind}`, import.meta.url)) }]))

export interface AdminLog {
  banner(lines: readonly string[]): void
  notice(text: string): void
  error(text: string, error?: unknown): void
}

export interface AdminServer extends Sink {
  /** Closes the server and all its connections. */
  close(): Promise<void>
}

const send = (res: ServerResponse, status: number, type: string, body: string | Buffer, more: Readonly<Record<string, string>> = {}): void => {
  res.writeHead(status, { ...HEADERS, ...more, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body)
}
const sendText = (res: ServerResponse, status: number, text: string, more?: Readonly<Record<string, string>>): void => send(res, status, 'text/plain; charset=utf-8', `${text}\n`, more)
const sendJson = (res: ServerResponse, status: number, body: object, more?: Readonly<Record<string, string>>): void => send(res, status, 'application/json', JSON.stringify(body), more)

/** The segments of a path, each decoded by itself, so that an escaped slash stays within one; `undefined` for bad escapes. */
const segmentsOf = (path: string): string[] | undefined => {
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** The operator's own HTTP server. It shares nothing with node-media-server's, so it stays reachable in a flood of viewers. */
export const startAdmin = (settings: AdminSettings, behind: Behind, log: AdminLog): AdminServer => {
  const api = createApi(behind)
  const streams = createStreams()
  const guard = createGuard(settings)

  const open = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { method = '', url = '' } = req
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const reads = method === 'GET' || method === 'HEAD'
    if (path === '/health' || path === '/ready') {
      if (!reads) return sendText(res, 405, 'GET only', { Allow: 'GET' })
      const well = path === '/health' || behind.ready()
      return sendText(res, well ? 200 : 503, well ? 'ok' : 'draining', well ? {} : { 'Retry-After': '5' })
    }
    if (!guard.knowsHost(req)) return sendText(res, 421, 'this is not a name of the admin server; see admin.hosts')
    const file = PAGE.get(path)
    if (file !== undefined) return reads ? send(res, 200, file.type, file.body) : sendText(res, 405, 'GET only', { Allow: 'GET' })
    if (!(path === '/metrics' && settings.metricsOpen) && !guard.hasToken(req)) {
      return sendJson(res, 401, { error: 'the token is missing or wrong; send it as Authorization: Bearer' }, { 'WWW-Authenticate': 'Bearer' })
    }
    if (path === '/metrics') return reads ? send(res, 200, 'text/plain; version=0.0.4; charset=utf-8', await behind.metrics()) : sendText(res, 405, 'GET only', { Allow: 'GET' })
    const [room, ...segments] = segmentsOf(path) ?? []
    if (room === 'api' && segments.length === 1 && segments[0] === 'events') {
      if (method !== 'GET') return sendText(res, 405, 'GET only', { Allow: 'GET' })
      if (!streams.open(res, HEADERS)) sendJson(res, 503, { error: 'too many event streams are open' }, { 'Retry-After': '5' })
      return
    }
    const answer = room === 'api' ? await api.answer({ method, segments, params: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) }) : undefined
    if (answer === undefined) sendJson(res, 404, { error: 'there is nothing here' })
    else if ('status' in answer) sendJson(res, answer.status, answer.body)
    else sendJson(res, 405, { error: `only ${answer.join(', ')}` }, { Allow: answer.join(', ') })
  }

  const server = createServer(LIMITS, safely(undefined, (req: IncomingMessage, res: ServerResponse) => {
    req.on('error', safely(undefined, () => undefined)).resume()
    res.on('error', safely(undefined, () => undefined))
    open(req, res).catch((error: unknown) => {
      log.error('the admin server failed at a request', errorText(error))
      if (res.headersSent) res.destroy()
      else sendJson(res, 500, { error: 'internal error; see the log' })
    })
  }))
  server.maxConnections = MAX_CONNECTIONS
  server.on('error', safely(undefined, (error: NodeJS.ErrnoException) => {
    log.error(`the admin server does not listen on ${authorityOf(settings.bind, settings.port)}: ${error.code ?? error.message}`)
  }))
  server.listen(settings.port, settings.bind, safely(undefined, () => {
    const { address, port } = server.address() as AddressInfo
    log.banner([`admin server: http://${authorityOf(address, port)}/`])
  }))
  return {
    verdict(decision) {
      api.verdict?.(decision)
      streams.verdict?.(decision)
    },
    start: (session) => streams.start?.(session),
    end(session, how) {
      api.end?.(session, how)
      streams.end?.(session, how)
    },
    outage: (outage) => streams.outage?.(outage),
    async close() {
      streams.close()
      const closed = new Promise((resolve) => { server.close(resolve) })
      server.closeAllConnections()
      await closed
    }
  }
}
