import { isIP } from 'node:net'
import { networks } from '../access/address.js'
import type { AccessRequest, Action } from '../access/request.js'
import type { Family } from '../hls/identity.js'
import type { Settings } from '../access/settings.js'
import type { Asked } from '../gate/door/asked.js'
import type { HttpClient } from '../gate/http/exchange.js'
import { createFileKind, FAMILIES } from '../gate/files/kind.js'
import { fileRequest } from '../gate/files/request.js'
import { MALFORMED_FILE } from '../gate/files/exact-spelling.js'
import { createFolders } from '../gate/files/folders.js'
import { createRoute, type Route } from '../gate/route.js'
import { httpClientOf } from '../gate/http/client.js'
import { splitTarget } from '../gate/http/target.js'
import { httpRequest } from '../gate/flv/request.js'
import { rtmpRequest } from '../gate/rtmp/request.js'
import { readServedPath, type ServedPath } from '../gate/files/served-path.js'
import { webSocketRequest } from '../gate/websocket/request.js'
import { compileStreamPattern } from '../hls/stream-pattern.js'
import type { Dialect } from '../nms/dialect.js'
import { Misuse } from '../errors.js'

/** A client that would open a URL. */
export interface Visitor {
  readonly url: string
  readonly action: Action
  readonly ip: string
  readonly userAgent: string
  readonly sessionId: string
}

/** The parts of the server's config that the gates use. */
export interface Premises extends Pick<Settings, 'trustProxy' | 'files'> { readonly dialect: Dialect }

/** An access request, or a page that is open to everybody. */
export type AskedByUrl = Asked | { readonly asked: AccessRequest, readonly open: string }

/**
 * What the gates make of the first request of a client that opens this URL, taken as typed.
 * @throws Misuse if no client could open it, or if it leads to no stream
 */
export const askedByUrl = async (visitor: Visitor, premises: Premises): Promise<AskedByUrl> => {
  if (isIP(visitor.ip) === 0) throw new Misuse('--ip must be an IPv4 or IPv6 address')
  const [whole = '', scheme = '', authority = ''] = /^([a-z]+):\/\/([^/?#]*)/i.exec(visitor.url) ?? []
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const target = visitor.url.slice(whole.length)
  const protocol = scheme.toLowerCase()
  if (!/^(?:rtmp|http|ws)s?$/.test(protocol) || host === '') {
    throw new Misuse('the URL must be like rtmp://live.example.com/live/s?token=123; rtmp, rtmps, http, https, ws and wss are known')
  }
  const secure = /^(?:rtmp|http|ws)s$/.test(protocol)
  if (protocol.startsWith('rtmp')) return overRtmp(visitor, secure, host, target, premises.dialect)
  if (/[\x00-\x20\x7f]/.test(target)) throw new Misuse('the URL has a space or a control character; a client would write it as %20')
  const parts = splitTarget(asSent(target))
  const clientBy = (kind: 'http' | 'ws'): HttpClient => httpClientOf({
    headers: { host: asSent(host), 'user-agent': asSent(visitor.userAgent) }, socket: { remoteAddress: visitor.ip, remotePort: 0 }
  }, secure, kind, networks(premises.trustProxy))
  return protocol.startsWith('ws')
    ? webSocketRequest({ action: visitor.action, ...parts, streamPath: premises.dialect.webSocketStreamOf(parts.rawPath) }, clientBy('ws'), visitor.sessionId)
    : overHttp(visitor, parts, clientBy('http'), premises)
}

/** Node passes the bytes on the wire to the gates as Latin-1. */
const asSent = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/** Split as players do: everything but the last part of the path is the app. */
const overRtmp = ({ action, userAgent, ip, sessionId }: Visitor, secure: boolean, host: string, target: string, dialect: Dialect): Asked => {
  const { rawPath, query } = splitTarget(target)
  const slash = rawPath.lastIndexOf('/')
  const app = rawPath.slice(1, Math.max(slash, 1))
  const name = rawPath.slice(slash + 1) + (target.includes('?') ? `?${query}` : '')
  const command = { action, app, name, tcUrl: `rtmp${secure ? 's' : ''}://${host}/${app}`, flashVer: userAgent }
  const asked = rtmpRequest(command, { id: sessionId, secure, socket: { remoteAddress: ip } }, dialect)
  const named = rawPath.split('/').filter((segment) => segment !== '').length > 1
  return named ? asked : { ...asked, malformed: 'the URL lacks the name of a stream; it is like rtmp://live.example.com/live/s' }
}

/** Files cannot be published. */
const overHttp = async (
  { action, sessionId }: Visitor, { rawPath, query }: { rawPath: string, query: string }, client: HttpClient, { dialect, files }: Premises
): Promise<AskedByUrl> => {
  const folders = createFolders(dialect.staticRoutes)
  const kindOf = createFileKind(files.open)
  const names = folders && { read: readServedPath(folders.media.router), isOpen: ({ file }: ServedPath) => kindOf(file) === 'open' }
  const method = ['GET', 'POST'].find((each) => dialect.actionOf(each) === action)
  const asked = (route: Route): AskedByUrl | undefined => {
    if (route.is === 'live' || (route.is === 'malformed' && route.of === 'live')) {
      return httpRequest({ action, live: route, rawPath, query }, client, sessionId)
    }
    if (route.is === 'other' || action === 'publish') return undefined
    const file = (protocol: Family, path: string, streamPath: string): AccessRequest =>
      fileRequest({ protocol, path, query, streamPath }, client, sessionId)
    if (route.is === 'malformed') return { asked: file('file', rawPath, ''), malformed: MALFORMED_FILE }
    const { served } = route
    const kind = kindOf(served.file)
    const stream = compileStreamPattern(files.stream)(served.file, served.path)
    return kind === 'open'
      ? { asked: file('file', served.path, stream), open: 'pages (files.open) are open to everybody' }
      : { asked: file(FAMILIES[kind].opens, served.path, stream) }
  }
  const route = createRoute(dialect, names)(method, rawPath)
  const where = route.is === 'file' && (route.otherwise !== undefined || folders?.shared === true) ? await folders?.find(route.served) : 'media'
  const isThere = route.is !== 'file' || where === 'media' || route.otherwise === undefined
  if (where === 'pages') return { asked: fileRequest({ protocol: 'file', path: rawPath, query, streamPath: '' }, client, sessionId), open: 'it is a page of node-media-server or of webroot' }
  const found = method === undefined ? undefined : asked(isThere ? route : route.otherwise)
  if (found === undefined) throw new Misuse('the URL leads to no stream; over HTTP a live stream is /app/name.flv, and files are below static.router')
  return found
}
