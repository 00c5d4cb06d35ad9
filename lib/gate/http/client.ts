import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { authorityOf, normalizeIp, type Networks } from '../../access/address.js'
import { forwarded } from '../../access/forwarded.js'
import type { HttpClient } from './exchange.js'
import { headerText } from './header-text.js'

/** What of an HTTP request says who sent it. */
export interface Sender {
  readonly headers: IncomingHttpHeaders
  readonly socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>
}

/** Who sent an HTTP request, what trusted proxies say of it taken into account. */
export const httpClientOf = (req: Sender, secure: boolean, scheme: 'http' | 'ws', trusted: Networks): HttpClient => {
  const { socket, headers } = req
  const peer = normalizeIp(socket.remoteAddress ?? '')
  const client = forwarded(peer, headers, trusted)
  const isSecure = client.secure ?? secure
  const host = client.host ?? headers.host ?? headers[':authority'] ?? ''
  return {
    ip: client.ip,
    address: client.ip === peer ? `${socket.remoteAddress}:${socket.remotePort}` : `${client.ip}:0`,
    origin: `${scheme}${isSecure ? 's' : ''}://${headerText(one(host)) || authorityOf(socket.localAddress, socket.localPort)}`,
    secure: isSecure,
    userAgent: headerText(one(headers['user-agent'] ?? ''))
  }
}

const one = (value: string | string[]): string => typeof value === 'string' ? value : value[0] ?? ''
