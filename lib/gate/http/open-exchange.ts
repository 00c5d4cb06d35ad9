import type { ServerResponse } from 'node:http'
import { Departure, type LeaveSignal } from '../../access/departure.js'
import { safely } from '../../safely.js'
import { afterFarewell, destroySoon } from '../../farewell.js'
import { trace } from '../../trace.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'
import type { Cors } from './cors.js'
import type { Exchange, HttpClient } from './exchange.js'
import type { Verdict } from '../../access/verdict.js'
import { clientReason, refusalHeaders, statusOf } from '../door/refusal.js'
import { isOver, onceOver } from './response-end.js'
import type { Target } from './target.js'

const debug = trace('gate')

/** The exchange of one HTTP request. A class because there is one per segment, and object literals with getters are slow in V8. */
export class HttpExchange implements Exchange {
  readonly rawPath: string
  readonly query: string
  private leaving: Departure | undefined

  /** @param pass - hands the request to NMS */
  constructor(
    readonly req: HttpRequest, readonly res: HttpResponse, target: Target,
    readonly client: HttpClient, private readonly cors: Cors, private readonly pass: () => void
  ) {
    this.rawPath = target.rawPath
    this.query = target.query
  }

  /** Made when first used: segments of running sessions need neither the signal nor a listener. */
  get signal(): LeaveSignal {
    if (this.leaving !== undefined) return this.leaving
    const leaving = this.leaving = new Departure()
    if (isOver(this.res)) leaving.abort()
    else onceOver(this.res, () => leaving.abort())
    return leaving
  }

  /** Calls NMS's handlers directly; if they throw, only this request ends. */
  forward(): void {
    const { req } = this
    if (isOver(this.res)) return
    try {
      this.pass()
    } catch (error) {
      debug('node-media-server failed on %s: %s', this.rawPath, error)
      if ('stream' in req) (req.stream as { destroy: () => void }).destroy()
      else req.socket.destroy()
    }
  }

  allowOrigin(): void { this.cors.allow(this.req, this.res) }

  refuse(status: number, reason: string, allowed?: string, retryAfterS?: number): void {
    this.answer(status, reason, {
      ...(allowed !== undefined && { Allow: allowed }), ...(retryAfterS !== undefined && { 'Retry-After': String(retryAfterS) })
    })
  }

  refuseBy(verdict: Verdict): void {
    const { location } = verdict
    if (location === undefined) this.answer(statusOf(verdict), clientReason(verdict))
    else this.answer(302, 'another server has this stream', { Location: location })
  }

  private answer(status: number, reason: string, more: Record<string, string> = {}): void {
    const { req, res } = this
    if (isOver(res)) return
    const body = `${reason}\n`
    const headers = { ...refusalHeaders(status, body), ...more, ...this.cors.headersFor(req) }
    if ('stream' in res) refuseStream(req, res, status, headers, body)
    else refuseConnection(req, res, status, headers, body)
  }
}

/** On HTTP/2 only the stream ends. */
const refuseStream = (req: HttpRequest, res: Extract<HttpResponse, { stream: unknown }>, status: number, headers: Record<string, string>, body: string): void => {
  const { stream } = res
  stream.on('error', () => undefined)
  res.writeHead(status, headers)
  res.end(req.method === 'HEAD' ? '' : body)
  req.resume()
  afterFarewell(stream, () => stream.close())
}

/**
 * On HTTP/1 the connection ends. A body that is still arriving is read and discarded first; otherwise the reset that
 * answers it could overtake the refusal.
 */
const refuseConnection = (req: HttpRequest, res: ServerResponse, status: number, headers: Record<string, string>, body: string): void => {
  const { socket } = req
  res.writeHead(status, { ...headers, Connection: 'close' })
  destroySoon(socket)
  if (req.complete || hasNoBody(req)) {
    res.end(req.method === 'HEAD' ? undefined : body)
    return
  }
  res.write(body)
  req.resume()
  req.once('end', safely(socket, () => { res.end() }))
}

const hasNoBody = ({ headers }: HttpRequest): boolean =>
  headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
