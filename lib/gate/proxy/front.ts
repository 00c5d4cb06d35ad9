import type { Socket } from 'node:net'
import { normalizeIp, type Networks } from '../../access/address.js'
import type { CutReason } from '../../access/cut.js'
import type { ServerName } from '../../access/settings.js'
import { safely } from '../../safely.js'
import { trace } from '../../trace.js'
import type { ProxyFront } from '../../nms/host.js'
import { readProxyHeader, type Source } from './header.js'

const debug = trace('gate')

/** A proxy sends its header at once. */
const HEADER_TIMEOUT_MS = 5000

interface Setting {
  /** Servers behind proxies now. */
  readonly servers: () => readonly ServerName[]
  readonly trusted: Networks
  readonly onCut: (ip: string, reason: CutReason) => void
}

/**
 * Reads the PROXY header of each connection from a trusted proxy and gives the connection its client's `remoteAddress`
 * and `remotePort`, for gates, TLS and NMS alike. A trusted proxy that sends none is cut. Bytes from anybody else are
 * never taken for a header.
 */
export const createProxyFront = ({ servers, trusted, onCut }: Setting): ProxyFront => ({
  accepted(server, socket, pass) {
    if (!servers().includes(server)) return pass()
    const peer = normalizeIp(socket.remoteAddress ?? '')
    if (!trusted.has(peer)) return pass()
    hear(socket, (source) => {
      if (source !== undefined) claim(socket, source)
      pass()
    }, () => onCut(peer, 'proxy'))
  }
})

/** Reads the header and not a byte more; what follows stays in the socket. */
const hear = (socket: Socket, heard: (source: Source | undefined) => void, failed: () => void): void => {
  let bytes = Buffer.alloc(0)
  const over = safely(socket, () => {
    clearTimeout(deadline)
    socket.off('readable', read).off('error', cut).off('end', cut).off('close', over)
  })
  const cut = safely(socket, () => {
    over()
    debug('no PROXY header from %s, cut', socket.remoteAddress)
    socket.on('error', () => undefined)
    socket.destroy()
    failed()
  })
  const read = safely(socket, () => {
    const more = socket.read() as Buffer | null
    if (more === null) return
    bytes = Buffer.concat([bytes, more])
    const header = readProxyHeader(bytes)
    if (header.is === 'incomplete') return
    if (header.is === 'none') return cut()
    over()
    const rest = bytes.subarray(header.bytes)
    if (rest.length > 0) socket.unshift(rest)
    // Only then does the socket look as if nobody had read from it.
    process.nextTick(safely(socket, () => { if (!socket.destroyed) heard(header.source) }))
  })
  const deadline = setTimeout(cut, HEADER_TIMEOUT_MS).unref()
  socket.on('readable', read)
  socket.on('error', cut)
  socket.on('end', cut)
  socket.on('close', over)
}

/** Overrides the address of a connection. */
export const claim = (socket: Socket, { address, port }: Source): void => {
  const family = address.includes(':') ? 'IPv6' : 'IPv4'
  for (const [name, value] of Object.entries({ remoteAddress: address, remotePort: port, remoteFamily: family })) {
    Object.defineProperty(socket, name, { value, configurable: true })
  }
}
