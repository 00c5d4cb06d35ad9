import type { Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ServerName } from '../../access/settings.js'
import { safely } from '../../safely.js'
import type { ProxyFront } from '../host.js'

type Listener = (socket: Socket) => void

/** The address that replaces a socket's own, if any. */
const ADDRESS = ['remoteAddress', 'remotePort', 'remoteFamily'] as const

/**
 * Stands before everything that listens for connections to NMS's servers, including the gates; installed last.
 *
 * @returns a function that restores the listeners
 */
export const installProxyFront = (servers: Readonly<Partial<Record<ServerName, Server | undefined>>>, front: ProxyFront): () => void => {
  const undo = Object.entries(servers).flatMap(([name, server]) =>
    server === undefined ? [] : [intercept(server, name as ServerName, front)])
  return () => undo.forEach((restore) => restore())
}

const end = (_: unknown, socket: Socket): void => { socket.destroy() }

const intercept = (server: Server, name: ServerName, front: ProxyFront): () => void => {
  const listeners = server.listeners('connection') as Listener[]
  const connection = safely(end, (socket: Socket) => {
    front.accepted(name, socket, () => listeners.forEach((listener) => listener.call(server, socket)))
  })
  /** TLS has its own socket on top of the accepted one. */
  const secured = safely(end, (socket: TLSSocket) => {
    const { _parent: carrier } = socket as TLSSocket & { readonly _parent?: Socket }
    if (carrier === undefined) return
    for (const key of ADDRESS) if (Object.hasOwn(carrier, key)) Object.defineProperty(socket, key, { value: carrier[key], configurable: true })
  })
  for (const listener of listeners) server.off('connection', listener)
  server.on('connection', connection)
  server.prependListener('secureConnection', secured)
  return () => {
    server.off('connection', connection)
    server.off('secureConnection', secured)
    // eslint-disable-next-line safely/callbacks -- NMS's own, put back as they were
    for (const listener of listeners) server.on('connection', listener)
  }
}
