import type { Networks } from '../access/address.js'
import type { AccessRequest } from '../access/request.js'
import { deny, type Verdict } from '../access/verdict.js'
import { trace } from '../log.js'
import type { Host, HttpFront, HttpRequest } from '../nms/host.js'
import { overloaded, type Door } from './door.js'
import type { Exchange } from './exchange.js'
import { httpClientOf } from './http-client.js'
import { openExchange, splitTarget } from './http-exchange.js'
import { httpRequest } from './http-request.js'
import { clientReason, statusOf } from './refusal.js'
import { httpStreamPath } from './stream-path.js'

const debug = trace('gate')

/** The door for HTTP-FLV, over HTTP/1 and HTTP/2; files are the files gate's. */
export const createHttpGate = (door: Door, host: Host, trusted: Networks): HttpFront['request'] => {
  /** HTTP/1 connections with a live request: what is pipelined behind it could never be answered. */
  const busy = new WeakSet<object>()

  const live = async (exchange: Exchange, request: AccessRequest): Promise<void> => {
    const { req, client, signal } = exchange
    const release = door.hold(client.ip)
    if (release === undefined) return refuse(exchange, request, overloaded)
    const verdict = await door.decide(request, signal)
    release()
    if (signal.aborted) return
    if (!verdict.allowed) return exchange.refuse(statusOf(verdict), clientReason(verdict))
    host.grant(req, request, client.address)
    exchange.forward()
  }
  const refuse = (exchange: Exchange, request: AccessRequest, verdict: Verdict): void => {
    door.report(request, verdict)
    exchange.refuse(statusOf(verdict), clientReason(verdict))
  }

  return (req, res, secure, forward) => {
    const target = splitTarget(req.url ?? '')
    const streamPath = httpStreamPath(target.rawPath)
    if (streamPath === undefined || req.method === 'OPTIONS') return forward()
    const client = httpClientOf(req, secure, 'http', trusted)
    const exchange = openExchange(req, res, target, client, () => safely(req, forward))
    if (req.method !== 'GET' && req.method !== 'POST') {
      exchange.refuse(405, 'GET plays, POST publishes')
      return
    }
    const request = httpRequest({ method: req.method, streamPath, ...target }, client, host.newSessionId())
    const { asked } = request
    if ('malformed' in request) return refuse(exchange, asked, deny('malformed', request.malformed))
    if (!('stream' in res)) {
      if (busy.has(req.socket)) return refuse(exchange, asked, deny('malformed', 'one stream per connection'))
      busy.add(req.socket)
      res.once('close', () => busy.delete(req.socket))
    }
    void live(exchange, asked)
  }
}

/** NMS's handlers are called as they are; what they throw ends this request alone. */
const safely = (req: HttpRequest, forward: () => void): void => {
  try {
    forward()
  } catch (error) {
    debug('node-media-server failed on %s: %s', splitTarget(req.url ?? '').rawPath, error)
    if ('stream' in req) (req.stream as { destroy: () => void }).destroy()
    else req.socket.destroy()
  }
}
