import type { Socket } from 'node:net'
import { normalizeIp } from '../access/address.js'
import type { AccessRequest } from '../access/request.js'
import type { RtmpCommand } from '../nms/host.js'
import { streamPathOf } from './stream-path.js'

/** An access request, and why no stream can be meant by it where that is so. */
export type Asked = { readonly asked: AccessRequest } | { readonly asked: AccessRequest, readonly malformed: string }

/** Translates a `play` or `publish` command; the command's fields are the client's own bytes. */
export const rtmpRequest = (command: RtmpCommand, { id, socket, secure }: {
  id: string, socket: Socket, secure: boolean
}): Asked => {
  const mark = command.name.indexOf('?')
  const name = mark < 0 ? command.name : command.name.slice(0, mark)
  const streamPath = streamPathOf(command.app, name)
  const asked: AccessRequest = {
    sessionId: id,
    action: command.action,
    protocol: secure ? 'rtmps' : 'rtmp',
    ip: normalizeIp(socket.remoteAddress ?? ''),
    path: streamPath ?? `/${command.app}/${name}`,
    origin: originOf(command.tcUrl, secure, socket),
    userAgent: command.flashVer,
    query: mark < 0 ? '' : command.name.slice(mark + 1),
    streamPath: streamPath ?? ''
  }
  return streamPath === undefined
    ? { asked, malformed: 'app and stream name may hold letters, digits, _ and - only' }
    : { asked }
}

/** Scheme as the connection really is; host, and the port if the client named one, as it says. */
const originOf = (tcUrl: string, secure: boolean, socket: Socket): string => {
  const [, host = ''] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(tcUrl) ?? []
  return `${secure ? 'rtmps' : 'rtmp'}://${host === '' ? `${socket.localAddress}:${socket.localPort}` : host}`
}
