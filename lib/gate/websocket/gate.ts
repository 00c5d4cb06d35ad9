import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Networks } from '../../access/address.js'
import type { CutReason } from '../../access/cut.js'
import type { Verdict } from '../../access/verdict.js'
import { destroySoon } from '../../farewell.js'
import { trace } from '../../trace.js'
import type { Host, HttpFront } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { askedOr, type Asked } from '../door/asked.js'
import type { Door } from '../door/door.js'
import { TOO_MUCH, type Unadmitted } from '../door/unadmitted.js'
import type { Cors } from '../http/cors.js'
import { httpClientOf, withoutHost } from '../http/client.js'
import { excessOf, splitTarget } from '../http/target.js'
import { clientReason, refusalHeaders, statusOf } from '../door/refusal.js'
import { holdUpgrade, type HeldUpgrade } from './upgrade.js'
import { webSocketRequest } from './request.js'

const debug = trace('gate')

/** Shared with the gates of other protocols. */
export interface WebSocketGateOptions {
  readonly trusted: Networks
  readonly cors: Cors
  /** Memory of the clients that are not admitted. */
  readonly unadmitted: Unadmitted
  /** Called when a connection is cut before a verdict. */
  readonly onCut: (ip: string, reason: CutReason, detail?: string) => void
}

/** The door for WebSocket-FLV. */
export const createWebSocketGate = (door: Door, host: Host, { trusted, cors, unadmitted, onCut }: WebSocketGateOptions): HttpFront['upgrade'] => {
  const ask = async (held: HeldUpgrade, req: IncomingMessage, asked: Asked, address: string, forward: (head: Buffer) => void): Promise<void> => {
    const decision = await door.admit(asked, held.signal)
    if (decision === undefined) return
    if ('refused' in decision) return refuse(held, decision.refused, cors.headersFor(req))
    const { admission } = decision
    held.socket.once('close', safely(held.socket, () => admission.place.end('left')))
    host.grant(req, admission, address)
    const head = held.letGo()
    try {
      forward(head)
    } catch (error) {
      debug('node-media-server failed on the WebSocket of session %s: %s', admission.request.sessionId, error)
      held.socket.destroy()
    }
  }

  return (req, socket, head, secure, forward) => {
    const excess = excessOf(req)
    const target = splitTarget(excess === undefined ? req.url ?? '' : '')
    const client = httpClientOf(excess === undefined ? req : withoutHost(req), secure, 'ws', trusted)
    const held = holdUpgrade(socket, head, unadmitted, () => onCut(client.ip, 'overflow', TOO_MUCH))
    const action = host.dialect.webSocketActionOf(firstSubprotocol(req))
    const request = webSocketRequest({ action, ...target, streamPath: host.dialect.webSocketStreamOf(target.rawPath) }, client, host.newSessionId())
    void ask(held, req, excess !== undefined ? askedOr(request.asked, excess) : isWebSocket(req) ? request : askedOr(request.asked, 'this is no WebSocket handshake'), client.address, forward)
  }
}

const refuse = ({ socket, signal, letGo }: HeldUpgrade, verdict: Verdict, cors: Readonly<Record<string, string>>): void => {
  if (signal.aborted) return
  letGo()
  const status = statusOf(verdict)
  const body = `${clientReason(verdict)}\n`
  const headers = { ...refusalHeaders(status, body), ...cors, Connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}\r\n${body}`)
  destroySoon(socket)
}

/** The subprotocol that the WebSocket library will choose. */
const firstSubprotocol = ({ headers }: IncomingMessage): string => (headers['sec-websocket-protocol'] ?? '').split(',')[0]?.trim() ?? ''

/** What the WebSocket library will require (RFC 6455, 4.2.1); checked first, so that the backend is not asked in vain. */
const isWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' &&
  /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
  ['13', '8'].includes(headers['sec-websocket-version'] ?? '')
