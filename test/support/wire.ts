import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { TEST_CA } from './certificates.js'
import { inTime } from './waiting.js'

export interface WireOptions {
  readonly port: number
  readonly host?: string
  readonly tls?: boolean
  /** Never closes its own side: not when it is told that the other has (FIN), unless it is destroyed. */
  readonly stubborn?: boolean
  readonly localAddress?: string
  readonly localPort?: number
  /** What is offered at the TLS handshake (ALPN). Default nothing. */
  readonly alpn?: string[]
}

/** A TCP or TLS connection that keeps account of what became of it. Nagle's algorithm is off. */
export class Wire {
  /** Every byte that came, in order. */
  readonly chunks: Buffer[] = []
  receivedBytes = 0
  /** When the other side said that it sends no more, milliseconds since 1970; 0 if it has not. */
  endedAt = 0
  /** When the connection was gone in both directions; 0 if it is not. */
  closedAt = 0
  error: NodeJS.ErrnoException | undefined
  readonly closed: Promise<void>

  private constructor(readonly socket: Socket, private readonly onData: (bytes: Buffer) => void) {
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => {
      this.chunks.push(bytes)
      this.receivedBytes += bytes.length
      this.onData(bytes)
    })
    socket.on('error', (error) => { this.error = error })
    socket.on('end', () => { this.endedAt ||= Date.now() })
    this.closed = new Promise((resolve) => socket.once('close', () => {
      this.closedAt = Date.now()
      resolve()
    }))
  }

  /** Resolves when the connection, for TLS also its handshake, is made. */
  static async open({ port, host = '127.0.0.1', tls = false, stubborn = false, localAddress, localPort, alpn }: WireOptions, onData: (bytes: Buffer) => void = () => undefined): Promise<Wire> {
    const options = { port, host, allowHalfOpen: stubborn, ...(localAddress === undefined ? {} : { localAddress }), ...(localPort === undefined ? {} : { localPort }) }
    const socket = tls ? connectTls({ ...options, ca: TEST_CA, ...(host === '127.0.0.1' ? {} : { servername: 'localhost' }), ...(alpn === undefined ? {} : { ALPNProtocols: alpn }) }) : connectTcp(options)
    const wire = new Wire(socket, onData)
    await inTime(new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve)
      socket.once('close', () => reject(wire.error ?? new Error('closed before it was open')))
    }), `connected to port ${port}`)
    return wire
  }

  received(): Buffer { return Buffer.concat(this.chunks) }

  get isClosed(): boolean { return this.closedAt > 0 }

  /** Sends bytes; to a connection that is gone, nothing. */
  write(bytes: Buffer | string): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  /** Sends bytes in pieces, each in a packet of its own as far as a sender can see to it. */
  async writeInPieces(bytes: Buffer, size = 1): Promise<void> {
    for (let at = 0; at < bytes.length && this.socket.writable; at += size) {
      this.socket.write(bytes.subarray(at, at + size))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Says that it sends no more, and goes on reading. */
  end(): void { this.socket.end() }

  /** Is gone at once, with a reset, unless it has said already that it sends no more: then Node cannot, and would never close it. */
  reset(): void {
    if (this.socket.writableEnded) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  close(): Promise<void> {
    this.socket.destroy()
    return this.closed
  }
}
