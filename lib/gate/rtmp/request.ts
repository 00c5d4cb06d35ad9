import type { Socket } from 'node:net'
import { authorityOf, normalizeIp } from '../../access/address.js'
import type { AccessRequest } from '../../access/request.js'
import type { RtmpCommand } from '../../nms/host.js'
import { askedOr, type Asked } from '../door/asked.js'
import { streamAddress } from './address.js'
import type { Dialect } from '../../nms/dialect.js'

/** The ends of a connection. */
type Ends = Pick<Socket, 'remoteAddress' | 'localAddress' | 'localPort'>

/** Translates a `play` or `publish` command, whose fields are the client's own bytes. */
export const rtmpRequest = (command: RtmpCommand, { id, socket, secure }: {
  id: string, socket: Ends, secure: boolean
}, dialect: Pick<Dialect, 'streamOf'>): Asked => {
  // The rule for names of apps and streams is the same.
  const { app, name, query, malformed } = streamAddress(command, (text) => dialect.streamOf('app', text) !== undefined)
  const streamPath = malformed === undefined ? dialect.streamOf(app, name) : undefined
  const asked: AccessRequest = {
    sessionId: id,
    action: command.action,
    protocol: secure ? 'rtmps' : 'rtmp',
    ip: normalizeIp(socket.remoteAddress ?? ''),
    path: streamPath ?? `/${app}/${name}`,
    origin: originOf(command.tcUrl, secure, socket),
    userAgent: command.flashVer,
    query,
    streamPath: streamPath ?? ''
  }
  return askedOr(asked, malformed)
}

/** The real scheme of the connection; host and port as the client named them. */
const originOf = (tcUrl: string, secure: boolean, socket: Ends): string => {
  const [, host = ''] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(tcUrl) ?? []
  return `${secure ? 'rtmps' : 'rtmp'}://${host === '' ? authorityOf(socket.localAddress, socket.localPort) : host}`
}
