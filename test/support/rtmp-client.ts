import { randomBytes } from 'node:crypto'
import { decodeAmfs, encodeAmfs, type AmfValue } from './amf.js'
import type { MediaMessage } from './media.js'
import { ChunkReader, toChunks, type ChunkOptions, type RtmpMessage } from './rtmp-chunks.js'
import { until } from './waiting.js'
import { Wire, type WireOptions } from './wire.js'

export const AUDIO = 8
export const VIDEO = 9
export const DATA = 18
export const COMMAND = 20
export const SET_CHUNK_SIZE = 1

/** A message that came, and when (milliseconds since 1970). */
export interface Received extends RtmpMessage { readonly at: number }

/** A command that came, decoded. */
export interface Command { readonly name: string, readonly transaction: number, readonly args: readonly AmfValue[], readonly at: number }

export interface RtmpClientOptions extends WireOptions {
  readonly app?: string
  /** Default `rtmp://127.0.0.1:PORT/APP`, or rtmps. */
  readonly tcUrl?: string
  readonly flashVer?: string
  /** Fields of `connect`'s object over the usual ones. */
  readonly connect?: Readonly<Record<string, AmfValue>>
}

/** A number of AV bytes: payloads of audio and video messages, headers not counted. */
export interface MediaCount { audio: number, video: number, bytes: number, messages: number }

const HANDSHAKE = 1536

/** An RTMP or RTMPS client of which a test has every byte in its hands. */
export class RtmpClient {
  readonly messages: Received[] = []
  readonly commands: Command[] = []
  readonly media: MediaCount = { audio: 0, video: 0, bytes: 0, messages: 0 }
  /** When the first audio or video message came (not metadata); 0 if none has. */
  firstMediaAt = 0
  /** Bytes of payload in the chunks that this client sends. */
  chunkSize = 128
  private transaction = 0
  private handshakeLeft = 1 + 2 * HANDSHAKE
  private serverHello: Buffer[] = []
  private readonly reader = new ChunkReader((message) => this.take(message))
  wire!: Wire

  private constructor(readonly options: RtmpClientOptions) {}

  /** Opens the connection; nothing is sent on it. */
  static async open(options: RtmpClientOptions): Promise<RtmpClient> {
    const client = new RtmpClient(options)
    client.wire = await Wire.open(options, (bytes) => client.data(bytes))
    return client
  }

  /** Opens the connection and goes as far as `connect` and `createStream`. */
  static async connected(options: RtmpClientOptions): Promise<RtmpClient> {
    const client = await RtmpClient.open(options)
    await client.handshake()
    await client.connect()
    await client.createStream()
    return client
  }

  get app(): string { return this.options.app ?? 'live' }

  get tcUrl(): string {
    const { tls = false, host = '127.0.0.1', port, tcUrl } = this.options
    return tcUrl ?? `${tls ? 'rtmps' : 'rtmp'}://${host}:${port}/${this.app}`
  }

  /** Sends C0, C1 and, once S1 has come, C2. */
  async handshake(): Promise<void> {
    this.wire.write(RtmpClient.hello())
    const cut = (): boolean => this.wire.isClosed || this.wire.endedAt > 0
    await until(() => this.handshakeLeft <= HANDSHAKE || cut(), 'S0 and S1')
    this.wire.write(Buffer.concat(this.serverHello).subarray(1, 1 + HANDSHAKE))
    await until(() => this.handshakeLeft === 0 || cut(), 'S2')
  }

  /** C0 and C1 of the simple handshake. */
  static hello(): Buffer {
    return Buffer.concat([Buffer.from([3]), Buffer.alloc(8), randomBytes(HANDSHAKE - 8)])
  }

  /** C0, C1 and a C2 of zeros, which NMS takes: a whole handshake that waits for nothing. */
  static blindHandshake(): Buffer {
    return Buffer.concat([RtmpClient.hello(), Buffer.alloc(HANDSHAKE)])
  }

  /** The `connect` command as bytes. */
  connectBytes(overrides: Readonly<Record<string, AmfValue>> = this.options.connect ?? {}): Buffer {
    const fields = { app: this.app, type: 'nonprivate', flashVer: this.options.flashVer ?? 'LNX 9,0,124,2', tcUrl: this.tcUrl, ...overrides }
    return this.commandBytes('connect', ++this.transaction, [fields])
  }

  /** Sends `connect` and waits for its result. */
  async connect(overrides?: Readonly<Record<string, AmfValue>>): Promise<Command> {
    this.wire.write(this.connectBytes(overrides))
    return this.result(this.transaction)
  }

  async createStream(): Promise<number> {
    this.command('createStream', ++this.transaction, [null])
    const { args } = await this.result(this.transaction)
    return Number(args[1])
  }

  /** Sends `play`; waits for nothing. */
  play(name: AmfValue, streamId = 1): void {
    this.command('play', ++this.transaction, [null, name], streamId)
  }

  /** Sends `publish`; waits for nothing. */
  publish(name: AmfValue, streamId = 1): void {
    this.command('publish', ++this.transaction, [null, name, 'live'], streamId)
  }

  commandBytes(name: AmfValue, transaction: AmfValue, args: readonly AmfValue[], streamId = 0, chunks: ChunkOptions = {}): Buffer {
    return this.messageBytes({ type: COMMAND, streamId, timestamp: 0, payload: encodeAmfs(name, transaction, ...args) }, chunks)
  }

  /** Sends any command. */
  command(name: AmfValue, transaction: AmfValue, args: readonly AmfValue[], streamId = 0): void {
    this.wire.write(this.commandBytes(name, transaction, args, streamId))
  }

  messageBytes(message: RtmpMessage, chunks: ChunkOptions = {}): Buffer {
    return toChunks(message, { chunkSize: this.chunkSize, ...chunks })
  }

  /** Sends any message. */
  send(message: RtmpMessage, chunks: ChunkOptions = {}): void {
    this.wire.write(this.messageBytes(message, chunks))
  }

  /** Tells the server in which pieces this client will send. */
  setChunkSize(bytes: number): void {
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(bytes)
    this.send({ type: SET_CHUNK_SIZE, streamId: 0, timestamp: 0, payload })
    this.chunkSize = bytes
  }

  /** Audio, video or metadata as bytes. */
  mediaBytes({ type, timestamp, payload }: MediaMessage, streamId = 1): Buffer {
    const content = type === DATA ? Buffer.concat([encodeAmfs('@setDataFrame'), payload]) : payload
    return this.messageBytes({ type, streamId, timestamp, payload: content })
  }

  sendMedia(message: MediaMessage, streamId = 1): void { this.wire.write(this.mediaBytes(message, streamId)) }

  /** Waits for the answer to a command. */
  async result(transaction: number): Promise<Command> {
    return this.waitForCommand(({ name, transaction: of }) => of === transaction && (name === '_result' || name === '_error'), `the result of command ${transaction}`)
  }

  /** The codes of all `onStatus` commands until now. */
  get statuses(): string[] {
    return this.commands.filter(({ name }) => name === 'onStatus').map(({ args }) => String((args[1] as { code?: string } | null)?.code))
  }

  /** Waits for an `onStatus` with this code, and resolves with its description. */
  async status(code: string): Promise<string> {
    const { args } = await this.waitForCommand(({ name, args: [, info] }) =>
      name === 'onStatus' && (info as { code?: string } | null)?.code === code, `${code}; there were ${this.statuses.join(', ')}`)
    return String((args[1] as { description?: string }).description)
  }

  async waitForCommand(matches: (command: Command) => boolean, what: string): Promise<Command> {
    await until(() => {
      if (this.commands.some(matches)) return true
      if (this.wire.isClosed) throw new Error(`the connection was closed before ${what} (${this.wire.error?.code ?? 'no error'})`)
      return false
    }, what)
    return this.commands.find(matches)!
  }

  /** Waits until this many bytes of audio and video have come. */
  async waitForMedia(bytes = 1): Promise<void> {
    await until(() => {
      if (this.media.bytes >= bytes) return true
      if (this.wire.isClosed) throw new Error(`closed after ${this.media.bytes} bytes of media, statuses ${this.statuses.join(', ')}`)
      return false
    }, `${bytes} bytes of media`)
  }

  /** Connects, plays and waits for the server's yes. */
  static async player(options: RtmpClientOptions, name: string): Promise<RtmpClient> {
    const client = await RtmpClient.connected(options)
    client.play(name)
    await client.status('NetStream.Play.Start')
    return client
  }

  /** Connects, publishes and waits for the server's yes. */
  static async publisher(options: RtmpClientOptions, name: string): Promise<RtmpClient> {
    const client = await RtmpClient.connected(options)
    client.setChunkSize(4096)
    client.publish(name)
    await client.status('NetStream.Publish.Start')
    return client
  }

  close(): Promise<void> { return this.wire.close() }

  private data(bytes: Buffer): void {
    const hello = bytes.subarray(0, this.handshakeLeft)
    this.handshakeLeft -= hello.length
    if (hello.length > 0) this.serverHello.push(hello)
    if (bytes.length > hello.length) this.reader.push(bytes.subarray(hello.length))
  }

  private take(message: RtmpMessage): void {
    const at = Date.now()
    this.messages.push({ ...message, at })
    const { type, payload } = message
    if (type === COMMAND) {
      const [name, transaction, ...args] = decodeAmfs(payload)
      this.commands.push({ name: typeof name === 'string' ? name : '', transaction: Number(transaction), args, at })
    } else if (type === AUDIO || type === VIDEO) {
      this.firstMediaAt ||= at
      this.media[type === AUDIO ? 'audio' : 'video'] += payload.length
      this.media.bytes += payload.length
      this.media.messages += 1
    }
  }
}
