import { connect, type Socket } from 'node:net'
import { encodeAmfs, type AmfValue } from '../../test/support/amf.js'
import { toChunks } from '../../test/support/rtmp-chunks.js'
import { MarkerScan } from './marker.js'

export type Kind = 'rtmp' | 'http-flv' | 'ws-flv'

export interface PlayerOptions { readonly kind: Kind, readonly port: number, readonly query?: string }

const HANDSHAKE = 1 + 2 * 1536
const RESULT = Buffer.from('_result')

const command = (streamId: number, ...values: readonly AmfValue[]): Buffer =>
  toChunks({ type: 20, streamId, timestamp: 0, payload: encodeAmfs(...values) }, { chunkSize: 128 })

/** Handshake, `connect` and `createStream` in one piece. */
const opening = (port: number): Buffer => Buffer.concat([
  Buffer.from([3]), Buffer.alloc(2 * 1536),
  command(0, 'connect', 1, { app: 'live', type: 'nonprivate', flashVer: 'LNX 9,0,124,2', tcUrl: `rtmp://127.0.0.1:${port}/live` }),
  command(0, 'createStream', 2, null)
])

const request = (kind: Kind, port: number, query: string): string => kind === 'http-flv'
  ? `GET /live/s.flv?${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: bench\r\n\r\n`
  : `GET /live/s?${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/** A player of `/live/s` that does no more than it must, so that two thousand of them fit on one core. */
export class Player {
  readonly socket: Socket
  /** Everything that was asked is answered but `play`, or the connection is open. */
  readonly ready: Promise<void>
  /** The first frame has begun to arrive. */
  readonly media: Promise<void>
  /** Bytes that came after `play` was sent. */
  bytes = 0
  onBytes: ((player: Player) => void) | undefined
  private seen = 0
  private results = 0
  private before: Buffer = Buffer.alloc(0)
  private asked = false
  private hasMedia = false
  private readonly scan = new MarkerScan()
  private isReady!: () => void
  private gotMedia!: () => void

  constructor(private readonly options: PlayerOptions) {
    const { kind, port } = options
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket = socket
    let fail!: (error: Error) => void
    const failed = new Promise<never>((_, reject) => { fail = reject })
    failed.catch(() => undefined)
    this.ready = Promise.race([new Promise<void>((resolve) => { this.isReady = resolve }), failed])
    this.media = Promise.race([new Promise<void>((resolve) => { this.gotMedia = resolve }), failed])
    this.ready.catch(() => undefined)
    this.media.catch(() => undefined)
    socket.on('connect', () => { if (kind === 'rtmp') socket.write(opening(port)); else this.isReady() })
    socket.on('data', (bytes: Buffer) => this.take(bytes))
    socket.on('error', fail)
    socket.on('close', () => fail(new Error(`a player by ${kind} was cut off after ${this.seen} bytes`)))
  }

  /** Asks for the stream. */
  play(): void {
    const { kind, port, query = 'token=123' } = this.options
    this.asked = true
    this.socket.write(kind === 'rtmp' ? command(1, 'play', 3, null, `s?${query}`) : request(kind, port, query))
  }

  /** Gone at once, without a trace in the kernel. */
  drop(): void {
    this.socket.resetAndDestroy()
  }

  private take(bytes: Buffer): void {
    this.seen += bytes.length
    if (!this.asked) return this.prepare(bytes)
    this.bytes += bytes.length
    if (!this.hasMedia && this.scan.found(bytes)) {
      this.hasMedia = true
      this.gotMedia()
    }
    this.onBytes?.(this)
  }

  private prepare(bytes: Buffer): void {
    if (this.seen <= HANDSHAKE) return
    this.before = Buffer.concat([this.before, bytes])
    this.results = 0
    for (let at = this.before.indexOf(RESULT); at >= 0; at = this.before.indexOf(RESULT, at + 1)) this.results += 1
    if (this.results >= 2) this.isReady()
  }
}
