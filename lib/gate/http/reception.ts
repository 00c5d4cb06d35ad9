import type { IncomingMessage } from 'node:http'
import { normalizeIp, type Networks } from '../../access/address.js'
import type { CutReason } from '../../access/cut.js'
import type { AccessRequest } from '../../access/request.js'
import { deny } from '../../access/verdict.js'
import type { Host, HttpFront, HttpRequest } from '../../nms/host.js'
import type { Door } from '../door/door.js'
import type { Unadmitted } from '../door/unadmitted.js'
import { httpClientOf, withoutHost } from './client.js'
import type { Cors } from './cors.js'
import type { HttpClient } from './exchange.js'
import { hasBody, HeldBody } from './held-body.js'
import { HttpExchange } from './open-exchange.js'
import { Streams } from './streams.js'
import { excessOf, toOriginForm } from './target.js'
import { createTurns } from './turns.js'

/** How much of the path of an unparsed request is logged. */
const SHOWN_PATH_BYTES = 256

const TOO_MANY = 'too many HTTP/2 requests open or reset'

type OnCut = (ip: string, reason: CutReason, detail?: string) => void

/**
 * What every HTTP request and upgrade passes before any parser, ours or NMS's: requests of one connection are handled
 * one after the other, none exceeds the bounds, bodies of those that wait are counted, and an absolute target is read as
 * the path it means.
 *
 * @param unadmitted - memory of the clients that are not admitted
 * @param onCut - called when a connection is cut before a verdict
 */
export const createReception = (
  door: Door, host: Host, trusted: Networks, cors: Cors, unadmitted: Unadmitted, onCut: OnCut, front: HttpFront
): HttpFront => {
  const turns = createTurns()
  const streams = new Streams()

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
  const pass: HttpFront['request'] = (req, res, secure, forward) => {
    if (!hasBody(req)) return front.request(req, res, secure, forward)
    const body = new HeldBody(req, unadmitted, (detail) => onCut(clientOf(req, secure, 'http').ip, 'overflow', detail))
    front.request(req, res, secure, () => {
      body.release()
      forward()
    })
    body.hold(res)
  }

  return {
    request(req, res, secure, forward) {
      if ('stream' in res) {
        const peer = normalizeIp(req.socket.remoteAddress ?? '')
        if (!trusted.has(peer) && !streams.take(res)) return onCut(peer, 'overflow', TOO_MANY)
      }
      toOriginForm(req)
      const excess = excessOf(req)
      turns.take(req, res, () => {
        if (excess === undefined) return pass(req, res, secure, forward)
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
