import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { authorityOf, normalizeIp, type Networks } from '../../access/address.js'
import { MAX_TEXT_BYTES } from '../../access/bounds.js'
import { forwarded } from '../../access/forwarded.js'
import type { HttpClient } from './exchange.js'
import { headerText } from './header-text.js'

/** The parts of an HTTP request that identify the sender. */
export interface Sender {
  readonly headers: IncomingHttpHeaders
  readonly socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>
}

/** The sender of an HTTP request, taking trusted proxies' headers into account. */
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
    userAgent: headerText(shortened(one(headers['user-agent'] ?? '')))
  }
}

/** The sender of a request whose host is too long to be parsed. */
export const withoutHost = ({ headers, socket }: Sender): Sender => ({ socket, headers: { ...headers, host: '', ':authority': '' } })

/** The part of a user agent that is kept; never cuts a UTF-8 character. */
const shortened = (text: string): string => {
  if (text.length <= MAX_TEXT_BYTES) return text
  let end = MAX_TEXT_BYTES
  while (end > 0 && (text.charCodeAt(end) & 0xc0) === 0x80) end -= 1
  return text.slice(0, end)
}

const one = (value: string | string[]): string => typeof value === 'string' ? value : value[0] ?? ''
