/**
 * What the plugin assumes node-media-server 4 looks like inside. NMS ships no types; `assumptions.ts` checks these
 * shapes on the running instance before anything is changed.
 */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Server as NetServer, Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'

/** Any entry in NMS's session list; relay sessions have a `taskKey`, record sessions an empty `ip`. */
export interface NmsSession {
  id: string
  ip: string
  protocol: string
  isPublisher: boolean
  streamHost: string
  streamApp: string
  streamName: string
  streamPath: string
  streamQuery: unknown
  createTime: number
  endTime: number
  inBytes: number
  outBytes: number
  /** Empty, or absent up to 4.3, for anything but a relay. */
  taskKey?: string
  broadcast?: NmsBroadcast
  sendBuffer: (buffer: Buffer) => void
  close: () => void
}

/** A decoded AMF0 command; the client controls every field, and each can have any type. */
export interface NmsInvoke { readonly streamName?: unknown, readonly streamId?: unknown, readonly cmdObj?: { readonly tcUrl?: unknown } | null }

/**
 * NMS's RTMP parser. `onConnect`, `onPlay`, `onPublish`, `chunkMessageHeaderRead`, `packetAlloc` and `packetHandler`
 * are methods on its prototype.
 */
export interface NmsRtmp {
  streamApp?: unknown
  streamId?: number
  connectCmdObj?: { readonly app?: unknown, readonly tcUrl?: unknown, readonly flashVer?: unknown }
  inChunkSize: number
  /** By chunk stream id. */
  readonly inPackets: Map<number, unknown>
  parserState: number
  parserPacket: { bytes: number, capacity: number, payload: Buffer, header: { fmt: number, length: number, type: number, stream_id: number } }
  onConnect: (invoke: NmsInvoke) => void
  onPlay: (invoke: NmsInvoke) => void
  onPublish: (invoke: NmsInvoke) => void
  onDeleteStream: (invoke: NmsInvoke) => void
  respondPublish: () => void
  onPacketCallback: (packet: unknown) => void
  /** Length of a chunk's basic header. */
  readonly parserBasicBytes: number
  /** Returns the offset where the chunk's header ends; for format 3 it reads nothing. */
  chunkMessageHeaderRead: () => number
  packetAlloc: () => void
  packetHandler: () => void
  parserData: (bytes: Buffer) => string | null
  sendStatusMessage: (streamId: number, level: string, code: string, description: string) => void
}

export interface NmsRtmpSession extends NmsSession {
  socket: Socket
  rtmp: NmsRtmp
  onData: (bytes: Buffer) => void
  onClose: () => void
}

/** The part of a `ws` WebSocket that is used here. */
export interface NmsWebSocket extends EventEmitter {
  /** Bytes waiting to be sent. */
  readonly bufferedAmount: number
  readonly protocol: string
  close: (code?: number, reason?: string) => void
  terminate: () => void
}

/** NMS's FLV parser; `parserTagAlloc` is a method on its prototype. */
export interface NmsFlv {
  onPacketCallback: (packet: NmsPacket) => void
  readonly parserTagType: number
  /** How many bytes of it have come. */
  readonly parserTagBytes: number
  parserTagData: Buffer
  /** How long `parserTagData` is. */
  parserTagCapacity: number
  /** Called for each piece of a tag, with the size of the tag. */
  parserTagAlloc: (size: number) => void
}

export interface NmsFlvSession extends NmsSession {
  req: IncomingMessage | Http2ServerRequest
  res: ServerResponse | Http2ServerResponse | NmsWebSocket
  /** Calls `onPacket` only after NMS has given the session the publisher's slot. */
  flv: NmsFlv
  onPacket: (packet: NmsPacket) => void
  onData: (bytes: Buffer) => void
  onClose: () => void
}

/** A media message. */
export interface NmsPacket {
  readonly codec_type: number
  readonly flags: number
  readonly size: number
  /** May be longer than `size`. */
  data: Buffer
}

/** One stream path's publisher slot and subscribers. */
export interface NmsBroadcast {
  readonly streamPath: string
  publisher: NmsSession | null
  readonly subscribers: Map<string, NmsSession>
  postPlay: (session: NmsSession) => string | null
  postPublish: (session: NmsSession) => string | null
  donePlay: (session: NmsSession) => void
  donePublish: (session: NmsSession) => void
  broadcastMessage: (packet: NmsPacket) => void
  /** Since the last keyframe; `null` before the first. */
  flvGopCache: Set<Buffer> | null
  rtmpGopCache: Set<Buffer> | null
}

/** NMS's state: one per process and copy of the package. */
export interface NmsContext {
  config: Record<string, unknown> & { static?: { router?: unknown, root?: unknown } }
  configFile: string | null | undefined
  readonly sessions: Map<string, NmsSession>
  readonly broadcasts: Map<string, NmsBroadcast>
  readonly eventEmitter: EventEmitter
  readonly networkStats: { inBytes: number, outBytes: number }
}

/** A `NodeMediaServer`, running or not. */
export interface NmsInstance {
  readonly httpServer: { readonly httpServer?: Server, readonly httpsServer?: Http2SecureServer }
  readonly rtmpServer: { readonly tcpServer?: NetServer, readonly tlsServer?: TlsServer, handleRequest: (socket: Socket) => void }
  run: () => Promise<void>
  stop: () => Promise<void>
}

/** NMS's parser state while inside a message's payload. */
export const PARSING_PAYLOAD = 4

/** Whether NMS created this session for itself: recordings have no address, relays have a task key. */
export const isInternal = (session: NmsSession): boolean => session.ip === '' || Boolean(session.taskKey)

export const isRtmp = (session: NmsSession): session is NmsRtmpSession => session.protocol === 'rtmp' && 'rtmp' in session

export const isFlv = (session: NmsSession): session is NmsFlvSession => session.protocol === 'flv' && 'req' in session

export const isWebSocket = (res: NmsFlvSession['res']): res is NmsWebSocket => 'terminate' in res
