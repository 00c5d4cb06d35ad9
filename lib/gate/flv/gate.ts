import type { ServerResponse } from 'node:http'
import type { AccessRequest } from '../../access/request.js'
import { deny, type Verdict } from '../../access/verdict.js'
import type { Host, HttpResponse } from '../../nms/host.js'
import { overloaded, type Door } from '../door/door.js'
import type { Exchange } from '../http/exchange.js'
import { httpRequest } from './request.js'
import { clientReason, statusOf } from '../door/refusal.js'

/**
 * Takes a request for a live stream through the door. `streamPath` is `null` for a target that is
 * live, but not by the one spelling.
 */
export type LiveGate = (exchange: Exchange, streamPath: string | null) => void

/** The door for HTTP-FLV. */
export const createLiveGate = (door: Door, host: Host): LiveGate => {
  /** HTTP/1 connections with a live request: what is pipelined behind it could never be answered. */
  const busy = new WeakSet<object>()

  const ask = async (exchange: Exchange, request: AccessRequest): Promise<void> => {
    const { req, res, client, signal } = exchange
    const release = door.hold(client.ip)
    if (release === undefined) return refuse(exchange, request, overloaded)
    const verdict = await door.decide(request, signal)
    release()
    if (signal.aborted) return
    if (!verdict.allowed) return exchange.refuse(statusOf(verdict), clientReason(verdict))
    host.grant(req, request, client.address)
    sendsNoFile(res)
    exchange.forward()
  }
  const refuse = (exchange: Exchange, request: AccessRequest, verdict: Verdict): void => {
    door.report(request, verdict)
    exchange.refuse(statusOf(verdict), clientReason(verdict))
  }

  return (exchange, streamPath) => {
    const { req, res, rawPath, query, client } = exchange
    if (req.method !== 'GET' && req.method !== 'POST') {
      exchange.refuse(405, 'GET plays, POST publishes')
      return
    }
    const request = httpRequest({ method: req.method, streamPath, rawPath, query }, client, host.newSessionId())
    const { asked } = request
    if ('malformed' in request) return refuse(exchange, asked, deny('malformed', request.malformed))
    if (!('stream' in res)) {
      if (busy.has(req.socket)) return refuse(exchange, asked, deny('malformed', 'one stream per connection'))
      busy.add(req.socket)
      res.once('close', () => busy.delete(req.socket))
    }
    void ask(exchange, asked)
  }
}

/**
 * A file of the same name may have appeared below the static route since it was looked for there.
 * What was allowed is the live stream.
 */
const sendsNoFile = (res: HttpResponse): void => {
  const own = res as { writeHead?: unknown }
  own.writeHead = (...args: Parameters<ServerResponse['writeHead']>) => {
    delete own.writeHead
    return res.hasHeader('Accept-Ranges') ? res.destroy() : (res as ServerResponse).writeHead(...args)
  }
}
