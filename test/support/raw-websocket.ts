import { RawHttp, type FlvClient } from './flv-clients.js'
import { FLV_HEADER, flvTag, type FlvReader } from './flv.js'
import type { MediaMessage } from './media.js'
import type { Wire, WireOptions } from './wire.js'

export interface RawWebSocketOptions extends WireOptions {
  readonly target: string
  /** Subprotocol; `post` and `publisher` publish. */
  readonly protocol?: string
  /** Header lines beside those of the handshake. */
  readonly headers?: readonly string[]
}

const BINARY = 2
const PONG = 10

/** A frame as a client has to send it: masked (RFC 6455, 5.2), here with zeros, which change nothing. */
const frame = (opcode: number, payload: Buffer): Buffer => {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 6 : 8)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | Math.min(length, 126)
  if (length >= 126) head.writeUInt16BE(length, 2)
  return Buffer.concat([head, payload])
}

/** A WebSocket that does nothing by itself: it answers no ping and no close frame. Frames of up to 64 KiB. */
export class RawWebSocket implements FlvClient {
  private sentHeader = false

  private constructor(private readonly http: RawHttp) {}

  /** Opens the connection and sends the handshake. */
  static async open({ protocol, headers = [], ...options }: RawWebSocketOptions): Promise<RawWebSocket> {
    return new RawWebSocket(await RawHttp.open({ ...options, headers: [...RawHttp.upgradeHeaders(options.port, protocol), ...headers] }))
  }

  get wire(): Wire { return this.http.wire }
  get status(): Promise<number> { return this.http.status }
  get flv(): FlvReader { return this.http.flv }
  get closedAt(): number { return this.http.closedAt }
  get closed(): Promise<void> { return this.http.closed }
  headers(): Readonly<Record<string, string>> { return this.http.headers() }
  text(): string { return this.http.text() }
  send(bytes: Buffer): void { this.wire.write(frame(BINARY, bytes)) }
  sendPong(): void { this.wire.write(frame(PONG, Buffer.alloc(0))) }
  sendMedia(message: MediaMessage): void {
    this.send(this.sentHeader ? flvTag(message) : Buffer.concat([FLV_HEADER, flvTag(message)]))
    this.sentHeader = true
  }

  waitForMedia(bytes?: number): Promise<void> { return this.http.waitForMedia(bytes) }
  close(): Promise<void> { return this.http.close() }
}
