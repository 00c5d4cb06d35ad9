import type { ServerResponse } from 'node:http'
import { deny } from '../../access/verdict.js'
import type { Host, HttpResponse } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { askedOr, type Asked } from '../door/asked.js'
import type { Door } from '../door/door.js'
import type { Exchange } from '../http/exchange.js'
import { httpRequest, type LiveMeaning } from './request.js'
import { clientReason } from '../door/refusal.js'

/** Takes a request for a live stream through the door. */
export type LiveGate = (exchange: Exchange, live: LiveMeaning) => void

/** The door for HTTP-FLV. */
export const createLiveGate = (door: Door, host: Host): LiveGate => {
  /** HTTP/1 connections with a live request: nothing pipelined behind it could ever be answered. */
  const busy = new WeakSet<object>()

  const ask = async (exchange: Exchange, asked: Asked): Promise<void> => {
    const { req, res, client, signal } = exchange
    const decision = await door.admit(asked, signal)
    if (decision === undefined) return
    if ('refused' in decision) return exchange.refuseBy(decision.refused)
    const { place } = decision.admission
    // Until NMS serves it, the place ends with the response; Express may find a file instead.
    signal.addEventListener('abort', safely(req.socket, () => place.end('left')))
    host.grant(req, decision.admission, client.address)
    sendsNoFile(res)
    exchange.allowOrigin()
    exchange.forward()
  }

  return (exchange, live) => {
    const { req, res, rawPath, query, client } = exchange
    const action = host.dialect.actionOf(req.method ?? '')
    const request = httpRequest({ action: action ?? 'play', live, rawPath, query }, client, host.newSessionId())
    if (action === undefined) return exchange.refuse(405, clientReason(door.refuse(request.asked, deny('malformed', 'GET plays, POST publishes'))))
    if ('malformed' in request || 'stream' in res) return void ask(exchange, request)
    if (busy.has(req.socket)) return void ask(exchange, askedOr(request.asked, 'one stream per connection'))
    busy.add(req.socket)
    res.once('close', safely(req.socket, () => { busy.delete(req.socket) }))
    void ask(exchange, request)
  }
}

/** A file of the same name may have appeared below the static route since the check. What was allowed is the live stream. */
const sendsNoFile = (res: HttpResponse): void => {
  const own = res as { writeHead?: unknown }
  own.writeHead = (...args: Parameters<ServerResponse['writeHead']>) => {
    delete own.writeHead
    return res.hasHeader('Accept-Ranges') ? res.destroy() : (res as ServerResponse).writeHead(...args)
  }
}
