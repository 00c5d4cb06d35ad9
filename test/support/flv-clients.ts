import { randomBytes } from 'node:crypto'
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { TEST_CA } from './certificates.js'
import { FLV_HEADER, FlvReader, flvTag } from './flv.js'
import type { MediaMessage } from './media.js'
import { inTime, until } from './waiting.js'
import { Wire, type WireOptions } from './wire.js'

/** What all clients of HTTP-FLV and WebSocket-FLV have in common. */
export interface FlvClient {
  /** The final status; for a WebSocket that was opened 101. 0 if the connection ended without one. */
  readonly status: Promise<number>
  /** Headers of the answer by lower-case name. */
  headers(): Readonly<Record<string, string>>
  /** The FLV that came. If the status is not 200 or 101, nothing. */
  readonly flv: FlvReader
  /** The body of an answer that is not FLV. */
  text(): string
  /** When the connection (on HTTP/2 the stream) was gone in both directions; 0 if it is not. */
  readonly closedAt: number
  readonly closed: Promise<void>
  /** Sends bytes of a body, or a binary message. */
  send(bytes: Buffer): void
  /** Sends a tag; a publisher sends the FLV header first by itself. */
  sendMedia(message: MediaMessage): void
  waitForMedia(bytes?: number): Promise<void>
  close(): Promise<void>
}

const parseHead = (head: string): { status: number, headers: Record<string, string> } => {
  const [first = '', ...lines] = head.split('\r\n')
  return {
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0),
    headers: Object.fromEntries(lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }))
  }
}

/** Takes the chunked encoding off. */
class Unchunker {
  private pending: Buffer = Buffer.alloc(0)
  private left = 0
  private ended = false

  constructor(private readonly onBody: (bytes: Buffer) => void, private readonly onEnd: () => void) {}

  push(bytes: Buffer): void {
    if (this.ended) return
    this.pending = Buffer.concat([this.pending, bytes])
    for (;;) {
      if (this.left === 0) {
        const end = this.pending.indexOf('\r\n')
        if (end < 0) return
        this.left = parseInt(this.pending.toString('latin1', 0, end), 16)
        this.pending = this.pending.subarray(end + 2)
        this.ended = !(this.left > 0)
        if (this.ended) return this.onEnd()
        this.left += 2
      }
      const part = this.pending.subarray(0, this.left)
      this.pending = this.pending.subarray(part.length)
      const body = this.left > 2 ? part.subarray(0, this.left - 2) : Buffer.alloc(0)
      this.left -= part.length
      if (body.length > 0) this.onBody(body)
      if (this.left > 0) return
    }
  }
}

/** Frames of a server, which are not masked; only their payloads count here. */
class FrameReader {
  private pending: Buffer = Buffer.alloc(0)
  constructor(private readonly onPayload: (payload: Buffer, opcode: number) => void) {}

  push(bytes: Buffer): void {
    this.pending = Buffer.concat([this.pending, bytes])
    for (;;) {
      const short = (this.pending[1] ?? 0) & 0x7f
      const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2
      if (this.pending.length < headBytes) return
      const length = short === 127 ? Number(this.pending.readBigUInt64BE(2)) : short === 126 ? this.pending.readUInt16BE(2) : short
      if (this.pending.length < headBytes + length) return
      const opcode = (this.pending[0] ?? 0) & 0x0f
      const payload = this.pending.subarray(headBytes, headBytes + length)
      this.pending = this.pending.subarray(headBytes + length)
      this.onPayload(payload, opcode)
    }
  }
}

export interface RawHttpOptions extends WireOptions {
  readonly method?: string
  /** The request target, byte for byte (Latin-1). */
  readonly target: string
  /** Header lines, byte for byte (Latin-1). Default `Host` with the port; a list replaces it. */
  readonly headers?: readonly string[]
  /** The body is kept open and sent in chunks by `send`. */
  readonly publishes?: boolean
}

/** An HTTP/1 client of which a test has every byte in its hands; also for raw WebSocket handshakes. */
export class RawHttp implements FlvClient {
  readonly flv = new FlvReader()
  readonly status: Promise<number>
  /** Interim answers (1xx but 101). */
  readonly interim: number[] = []
  /** Whether the final answer's body has ended. */
  complete = false
  wire!: Wire
  private decided!: (status: number) => void
  private head = Buffer.alloc(0)
  private answer: { status: number, headers: Record<string, string> } | undefined
  private body: Buffer[] = []
  private sentHeader = false
  private readonly unchunker = new Unchunker((bytes) => this.content(bytes), () => { this.complete = true })
  private readonly frames = new FrameReader((payload, opcode) => { if (opcode === 2) this.flv.push(payload) })

  private constructor(private readonly options: RawHttpOptions) {
    this.status = new Promise((resolve) => { this.decided = resolve })
  }

  /** Opens the connection and sends the request's head. */
  static async open(options: RawHttpOptions): Promise<RawHttp> {
    const client = await RawHttp.silent(options)
    client.wire.write(RawHttp.request(options))
    return client
  }

  /** Opens the connection and sends nothing. */
  static async silent(options: RawHttpOptions): Promise<RawHttp> {
    const client = new RawHttp(options)
    client.wire = await Wire.open(options, (bytes) => client.data(bytes))
    void client.wire.closed.then(() => client.decided(0))
    return client
  }

  /** The request's head as bytes. */
  static request({ method, target, headers, port, publishes = false }: RawHttpOptions): Buffer {
    const lines = headers ?? [`Host: 127.0.0.1:${port}`]
    const all = [...lines, ...(publishes ? ['Transfer-Encoding: chunked'] : [])]
    return Buffer.from(`${method ?? (publishes ? 'POST' : 'GET')} ${target} HTTP/1.1\r\n${all.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1')
  }

  /** Header lines of a WebSocket handshake. */
  static upgradeHeaders(port: number, protocol?: string): string[] {
    return [
      `Host: 127.0.0.1:${port}`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`])
    ]
  }

  get closedAt(): number { return this.wire.closedAt }
  get closed(): Promise<void> { return this.wire.closed }
  headers(): Readonly<Record<string, string>> { return this.answer?.headers ?? {} }
  text(): string { return Buffer.concat(this.body).toString() }

  send(bytes: Buffer): void {
    this.wire.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]))
  }

  sendMedia(message: MediaMessage): void {
    this.send(this.sentHeader ? flvTag(message) : Buffer.concat([FLV_HEADER, flvTag(message)]))
    this.sentHeader = true
  }

  waitForMedia(bytes = 1): Promise<void> { return waitForMedia(this, bytes) }
  close(): Promise<void> { return this.wire.close() }

  private data(bytes: Buffer): void {
    if (this.answer !== undefined) return this.payload(bytes)
    this.head = Buffer.concat([this.head, bytes])
    const end = this.head.indexOf('\r\n\r\n')
    if (end < 0) return
    const answer = parseHead(this.head.toString('latin1', 0, end))
    const rest = this.head.subarray(end + 4)
    this.head = Buffer.alloc(0)
    if (answer.status >= 100 && answer.status < 200 && answer.status !== 101) {
      this.interim.push(answer.status)
      return this.data(rest)
    }
    this.answer = answer
    this.decided(answer.status)
    if (rest.length > 0) this.payload(rest)
  }

  private payload(bytes: Buffer): void {
    if (this.answer?.status === 101) this.frames.push(bytes)
    else if (this.answer?.headers['transfer-encoding'] === 'chunked') this.unchunker.push(bytes)
    else this.content(bytes)
  }

  private content(bytes: Buffer): void {
    if (this.answer?.status === 200 && this.options.method !== 'OPTIONS' && this.isFlv(bytes)) this.flv.push(bytes)
    else this.body.push(bytes)
  }

  private isFlv(bytes: Buffer): boolean {
    return this.flv.totalBytes > 0 || (this.body.length === 0 && bytes[0] === FLV_HEADER[0])
  }
}

export interface Http2Options {
  readonly port: number
  readonly target: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** A connection that is open already; it is then left open. */
  readonly session?: ClientHttp2Session
  readonly publishes?: boolean
  readonly localAddress?: string
}

/** Opens an HTTP/2 connection to a test server. Errors of a connection are those of its streams. */
export const openHttp2 = (port: number, localAddress?: string): ClientHttp2Session =>
  connectHttp2(`https://127.0.0.1:${port}`, { ca: TEST_CA, ...(localAddress !== undefined && { localAddress }) }).on('error', () => undefined)

/** One request on HTTP/2. */
export class Http2Client implements FlvClient {
  readonly flv = new FlvReader()
  readonly status: Promise<number>
  readonly closed: Promise<void>
  closedAt = 0
  readonly session: ClientHttp2Session
  readonly stream: ClientHttp2Stream
  private answer: Record<string, string> = {}
  private body: Buffer[] = []
  private sentHeader = false

  constructor(private readonly options: Http2Options) {
    const { port, target, publishes = false, method = publishes ? 'POST' : 'GET', headers = {}, session, localAddress } = options
    this.session = session ?? openHttp2(port, localAddress)
    this.stream = this.session.request({ ':path': target, ':method': method, ...headers }, { endStream: !publishes })
    this.stream.on('error', () => undefined)
    this.closed = new Promise((resolve) => this.stream.once('close', () => {
      this.closedAt = Date.now()
      resolve()
    }))
    let code = 0
    this.status = Promise.race([
      new Promise<number>((resolve) => this.stream.once('response', (response) => {
        code = response[':status'] ?? 0
        this.answer = Object.fromEntries(Object.entries(response).map(([name, value]) => [name, String(value)]))
        resolve(code)
      })),
      this.closed.then(() => code)
    ])
    this.stream.on('data', (bytes: Buffer) => {
      if (code === 200) this.flv.push(bytes)
      else this.body.push(bytes)
    })
  }

  headers(): Readonly<Record<string, string>> { return this.answer }
  text(): string { return Buffer.concat(this.body).toString() }
  send(bytes: Buffer): void { if (this.stream.writable) this.stream.write(bytes) }
  sendMedia(message: MediaMessage): void {
    this.send(this.sentHeader ? flvTag(message) : Buffer.concat([FLV_HEADER, flvTag(message)]))
    this.sentHeader = true
  }

  waitForMedia(bytes = 1): Promise<void> { return waitForMedia(this, bytes) }

  async close(): Promise<void> {
    this.stream.destroy()
    if (this.options.session === undefined) this.session.destroy()
    await this.closed
  }
}

export interface WebSocketOptions {
  readonly port: number
  readonly tls?: boolean
  readonly target: string
  /** Subprotocol; `post` and `publisher` publish. */
  readonly protocol?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A WebSocket by the `ws` package. */
export class WebSocketClient implements FlvClient {
  readonly flv = new FlvReader()
  readonly status: Promise<number>
  readonly closed: Promise<void>
  closedAt = 0
  /** What the close frame said (RFC 6455, 7.4); 1006 if there was none. */
  closeCode = 0
  closeReason = ''
  readonly socket: WebSocket
  private answer: Record<string, string> = {}
  private body: Buffer[] = []
  private sentHeader = false

  constructor({ port, tls = false, target, protocol, headers = {} }: WebSocketOptions) {
    const url = `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}${target}`
    this.socket = new WebSocket(url, protocol === undefined ? [] : [protocol], { ca: TEST_CA, headers })
    this.socket.on('error', () => undefined)
    this.socket.on('message', (bytes: Buffer) => this.flv.push(bytes))
    let gone: () => void = () => undefined
    this.closed = new Promise((resolve) => {
      gone = () => {
        this.closedAt ||= Date.now()
        resolve()
      }
    })
    const take = (response: IncomingMessage): void => {
      this.answer = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]))
    }
    this.status = new Promise((resolve) => {
      this.socket.once('upgrade', (response) => {
        take(response)
        resolve(101)
      })
      this.socket.once('unexpected-response', (_request, response) => {
        take(response)
        response.on('data', (bytes: Buffer) => this.body.push(bytes)).on('error', () => undefined)
        response.socket.once('close', gone)
        resolve(response.statusCode ?? 0)
      })
      this.socket.once('close', (code: number, reason: Buffer) => {
        this.closeCode = code
        this.closeReason = reason.toString()
        gone()
        resolve(0)
      })
    })
  }

  headers(): Readonly<Record<string, string>> { return this.answer }
  text(): string { return Buffer.concat(this.body).toString() }
  send(bytes: Buffer): void { if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes) }
  sendMedia(message: MediaMessage): void {
    // What is lost before the answer came is lost whole: without its header a stream is nothing.
    if (this.socket.readyState !== WebSocket.OPEN) return
    this.send(this.sentHeader ? flvTag(message) : Buffer.concat([FLV_HEADER, flvTag(message)]))
    this.sentHeader = true
  }

  waitForMedia(bytes = 1): Promise<void> { return waitForMedia(this, bytes) }

  async close(): Promise<void> {
    this.socket.terminate()
    await this.closed
  }
}

const waitForMedia = async (client: FlvClient, bytes: number): Promise<void> => {
  await until(() => {
    if (client.flv.bytes >= bytes) return true
    if (client.closedAt > 0) throw new Error(`closed after ${client.flv.bytes} bytes of media`)
    return false
  }, `${bytes} bytes of media`)
}

/** Waits for the status with a deadline. */
export const statusOf = (client: FlvClient): Promise<number> => inTime(client.status, 'a status')
