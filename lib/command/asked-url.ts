import { isIP } from 'node:net'
import { networks } from '../access/address.js'
import type { Action } from '../access/request.js'
import type { Settings } from '../access/settings.js'
import type { Asked } from '../gate/asked.js'
import { httpClientOf } from '../gate/http-client.js'
import { splitTarget } from '../gate/http-exchange.js'
import { httpRequest } from '../gate/http-request.js'
import { rtmpRequest } from '../gate/rtmp-request.js'
import { httpStreamPath } from '../gate/stream-path.js'
import { webSocketRequest } from '../gate/websocket-request.js'
import { Misuse } from './misuse.js'

/** A client that would open a URL. */
export interface Visitor {
  readonly url: string
  readonly action: Action
  readonly ip: string
  readonly userAgent: string
  readonly sessionId: string
}

/**
 * What the gates make of a client that opens this URL, taken as it is typed.
 * @throws Misuse if no client could, or if it leads to no stream
 */
export const askedByUrl = (visitor: Visitor, settings: Pick<Settings, 'trustProxy'>): Asked => {
  if (isIP(visitor.ip) === 0) throw new Misuse('--ip must be an IPv4 or IPv6 address')
  const [, scheme = '', host = '', target = ''] = /^([a-z]+):\/\/(?:[^/?#]*@)?([^/?#]*)(.*)$/is.exec(visitor.url) ?? []
  const protocol = scheme.toLowerCase()
  if (!/^(?:rtmp|http|ws)s?$/.test(protocol) || host === '') {
    throw new Misuse('the URL must be like rtmp://live.example.com/live/s?token=123; rtmp, rtmps, http, https, ws and wss are known')
  }
  const secure = protocol.endsWith('s') && protocol !== 'ws'
  return protocol.startsWith('rtmp') ? overRtmp(visitor, secure, host, target) : overHttp(visitor, secure, host, target, settings)
}

/** As players split it: all but the last part of the path is the app. */
const overRtmp = ({ action, userAgent, ip, sessionId }: Visitor, secure: boolean, host: string, target: string): Asked => {
  const { rawPath, query } = splitTarget(target)
  const slash = rawPath.lastIndexOf('/')
  const app = rawPath.slice(1, Math.max(slash, 1))
  const name = rawPath.slice(slash + 1) + (target.includes('?') ? `?${query}` : '')
  const command = { action, app, name, tcUrl: `rtmp${secure ? 's' : ''}://${host}/${app}`, flashVer: userAgent }
  return rtmpRequest(command, { id: sessionId, secure, socket: { remoteAddress: ip } })
}

const overHttp = (
  { url, action, userAgent, ip, sessionId }: Visitor, secure: boolean, host: string, target: string, { trustProxy }: Pick<Settings, 'trustProxy'>
): Asked => {
  if (/[\x00-\x20\x7f]/.test(target)) throw new Misuse('the URL has a space or a control character; a client would write it as %20')
  // Node hands the gates what comes over the wire as Latin-1.
  const wire = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
  const scheme = /^ws/i.test(url) ? 'ws' : 'http'
  const sender = { headers: { host: wire(host), 'user-agent': wire(userAgent) }, socket: { remoteAddress: ip, remotePort: 0 } }
  const client = httpClientOf(sender, secure, scheme, networks(trustProxy))
  const parts = splitTarget(wire(target))
  if (scheme === 'ws') return webSocketRequest({ action, ...parts }, client, sessionId)
  const streamPath = httpStreamPath(parts.rawPath)
  if (streamPath === undefined) throw new Misuse('the URL leads to no stream; over HTTP a live stream is /app/name.flv')
  return httpRequest({ method: action === 'publish' ? 'POST' : 'GET', streamPath, ...parts }, client, sessionId)
}
