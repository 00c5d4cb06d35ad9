import { Agent, request as requestHttp, type IncomingHttpHeaders } from 'node:http'
import { connect as connectHttp2, constants } from 'node:http2'
import { Agent as SecureAgent, request as requestHttps } from 'node:https'
import { TEST_CA } from './certificates.js'
import type { Ports } from './server.js'
import { inTime } from './waiting.js'
import { IS_V2 } from './hosts.js'

/** The ways to fetch a file. */
export type Carrier = 'HTTP/1' | 'HTTPS' | 'HTTP/2'
/** Those that the node-media-server of this run speaks: over TLS, version 2 has no HTTP/1. */
export const CARRIERS: readonly Carrier[] = IS_V2 ? ['HTTP/1', 'HTTP/2'] : ['HTTP/1', 'HTTPS', 'HTTP/2']

export interface FetchOptions {
  readonly over?: Carrier
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Another address of this machine, such as 127.0.0.2, to be another viewer. */
  readonly from?: string
  /** Leaves when it is aborted. */
  readonly signal?: AbortSignal
}

export interface Fetched {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  readonly text: string
}

/** Fetches files as a player does, over connections that are kept. The target goes out as it is. */
export interface FileClient {
  get(target: string, options?: FetchOptions): Promise<Fetched>
  close(): void
}

const made = (status: number, headers: IncomingHttpHeaders, chunks: readonly Buffer[]): Fetched => {
  const body = Buffer.concat(chunks)
  return { status, headers, body, text: body.toString('utf8') }
}

/** Node's servers close idle connections after five seconds: one that is about to be closed must not be used. */
const KEPT = { keepAlive: true, timeout: 3000 }

export const fileClient = (ports: Ports, defaults: FetchOptions = {}): FileClient => {
  const agents = { 'HTTP/1': new Agent(KEPT), HTTPS: new SecureAgent({ ...KEPT, ca: TEST_CA }) }
  const sessions = new Map<string, ReturnType<typeof connectHttp2>>()

  const overHttp1 = (over: 'HTTP/1' | 'HTTPS', target: string, { method, headers, from, signal }: FetchOptions): Promise<Fetched> => new Promise((resolve, reject) => {
    const secure = over === 'HTTPS'
    const req = (secure ? requestHttps : requestHttp)({
      host: '127.0.0.1', port: secure ? ports.https : ports.http, path: target, agent: agents[over],
      method: method ?? 'GET', headers: { ...headers }, ...(from && { localAddress: from }), ...(signal && { signal }), ...(secure && { servername: 'localhost' })
    }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      res.on('end', () => resolve(made(res.statusCode ?? 0, res.headers, chunks)))
    })
    req.on('error', reject).end()
  })
  const overHttp2 = (target: string, { method, headers, from = '', signal }: FetchOptions): Promise<Fetched> => new Promise((resolve, reject) => {
    let session = sessions.get(from)
    if (session === undefined || session.closed || session.destroyed) {
      session = connectHttp2(`https://127.0.0.1:${ports.https}`, { ca: TEST_CA, ...(from !== '' && { localAddress: from }) })
      session.on('error', () => undefined)
      sessions.set(from, session)
    }
    const stream = session.request({ ':path': target, ':method': method ?? 'GET', ...headers })
    const chunks: Buffer[] = []
    let answer: IncomingHttpHeaders & { ':status'?: number } = {}
    signal?.addEventListener('abort', () => stream.close(constants.NGHTTP2_CANCEL))
    stream.on('response', (got) => { answer = got as typeof answer })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
    stream.on('close', () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve(made(answer[':status'] ?? 0, answer, chunks))
      else reject(new Error(`the stream was reset with ${stream.rstCode}`))
    })
    stream.end()
  })

  return {
    get(target, options = {}) {
      const all = { ...defaults, ...options }
      const { over = 'HTTP/1' } = all
      return inTime(over === 'HTTP/2' ? overHttp2(target, all) : overHttp1(over, target, all), () => `${all.method ?? 'GET'} ${target} over ${over}`)
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
      for (const session of sessions.values()) session.destroy()
    }
  }
}
