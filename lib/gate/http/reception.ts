import type { IncomingMessage } from 'node:http'
import type { Networks } from '../../access/address.js'
import type { AccessRequest } from '../../access/request.js'
import { deny } from '../../access/verdict.js'
import type { Host, HttpFront, HttpRequest } from '../../nms/host.js'
import type { Door } from '../door/door.js'
import { httpClientOf, withoutHost } from './client.js'
import type { Cors } from './cors.js'
import type { HttpClient } from './exchange.js'
import { HttpExchange } from './open-exchange.js'
import { excessOf, toOriginForm } from './target.js'
import { createTurns } from './turns.js'

/** Of a request that is not looked at closely, enough for the log. */
const SHOWN_PATH_BYTES = 256

/**
 * What every HTTP request and upgrade passes before any parser sees it, ours and NMS's: requests of one
 * connection come one after the other, none is longer than the bounds, and a target that is a whole
 * URL is read as the path that it means.
 */
export const createReception = (door: Door, host: Host, trusted: Networks, cors: Cors, front: HttpFront): HttpFront => {
  const turns = createTurns()

  const clientOf = (req: HttpRequest, secure: boolean, scheme: 'http' | 'ws'): HttpClient => httpClientOf(withoutHost(req), secure, scheme, trusted)
  const refused = (req: HttpRequest, client: HttpClient, protocol: AccessRequest['protocol'], reason: string): ReturnType<Door['refuse']> =>
    door.refuse({
      sessionId: host.newSessionId(), action: 'play', protocol, ip: client.ip, path: (req.url ?? '').slice(0, SHOWN_PATH_BYTES).split('?', 1)[0] ?? '',
      origin: client.origin, userAgent: client.userAgent, query: '', streamPath: ''
    }, deny('malformed', reason))
  const cut = (req: IncomingMessage, socket: Parameters<HttpFront['upgrade']>[1], secure: boolean, reason: string): void => {
    refused(req, clientOf(req, secure, 'ws'), secure ? 'wss-flv' : 'ws-flv', reason)
    socket.on('error', () => undefined)
    socket.destroy()
  }

  return {
    request(req, res, secure, forward) {
      toOriginForm(req)
      const excess = excessOf(req)
      turns.take(req, res, () => {
        if (excess === undefined) return front.request(req, res, secure, forward)
        const client = clientOf(req, secure, 'http')
        const verdict = refused(req, client, client.secure ? 'https-flv' : 'http-flv', excess)
        new HttpExchange(req, res, { rawPath: '', query: '' }, client, cors, forward).refuseBy(verdict)
      })
    },
    upgrade(req, socket, head, secure, forward) {
      if (turns.isBusy(socket)) return cut(req, socket, secure, 'an upgrade behind a request that is not answered')
      toOriginForm(req)
      front.upgrade(req, socket, head, secure, forward)
    }
  }
}
