/**
 * What the plugin assumes node-media-server 2.7.4 looks like inside; `assumptions.ts` checks it on the loaded package
 * before anything is changed.
 */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Server as NetServer, Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'

/** Any entry in NMS's session list. */
export interface NmsSession {
  id: string
  /** Without the port. */
  ip: string
  /** NMS's are `rtmp`, `http-flv`, `websocket-flv`, `relay`; ours are `hls`, `file`. */
  readonly TAG: string
  isStarting: boolean
  isPlaying: boolean
  isIdling: boolean
  playStreamPath: string
  /** Ends the session: raises its `done` events and removes it from the list. */
  stop: () => void
  reject: () => void
}

/** A decoded AMF0 command; the client controls every field, and each can have any type. */
export interface NmsInvoke { streamName?: unknown, cmdObj?: unknown, readonly streamId?: unknown }

interface Packet { readonly payload: Buffer | null, bytes: number, capacity: number, header: { fmt: number, length: number, type: number, stream_id: number } }

/** Parser and session in one; every method is on the prototype. */
export interface NmsRtmpSession extends NmsSession {
  readonly socket: Socket
  appname: unknown
  connectCmdObj?: { readonly app?: unknown, readonly tcUrl?: unknown, readonly flashVer?: unknown }
  isLocal: boolean
  isPublishing: boolean
  playStreamId: number
  publishStreamId: number
  publishStreamPath: string
  /** Ids of its players. */
  readonly players: Set<string>
  pingInterval: NodeJS.Timeout | null
  inChunkSize: number
  readonly inPackets: Map<number, unknown>
  parserState: number
  readonly parserBasicBytes: number
  parserPacket: Packet | null
  /** What a publisher has sent since its last keyframe; `null` if the config turns the cache off. */
  rtmpGopCacheQueue: Set<Buffer> | null
  flvGopCacheQueue: Set<Buffer> | null
  onSocketData: (bytes: Buffer) => void
  onConnect: (invoke: NmsInvoke) => void
  onPlay: (invoke: NmsInvoke) => void
  onPublish: (invoke: NmsInvoke) => void
  onDeleteStream: (invoke: NmsInvoke) => void
  onPause: (invoke: NmsInvoke) => void
  onReceiveAudio: (invoke: NmsInvoke) => void
  onReceiveVideo: (invoke: NmsInvoke) => void
  onStartPlay: () => void
  rtmpChunkMessageHeaderRead: () => number
  rtmpPacketAlloc: () => void
  rtmpHandler: () => void
  rtmpAudioHandler: () => void
  rtmpVideoHandler: () => void
  rtmpDataHandler: () => void
  sendStatusMessage: (streamId: number, level: string, code: string, description: string) => void
}

/** The part of a `ws` WebSocket that is used here. */
export interface NmsWebSocket extends EventEmitter { readonly bufferedAmount: number, terminate: () => void, close: (code?: number, reason?: string) => void }

/** A player over HTTP or WebSocket; nobody can publish over these. */
export interface NmsFlvSession extends NmsSession {
  readonly req: (IncomingMessage | Http2ServerRequest) & { nmsConnectionType?: string }
  readonly res: ServerResponse | Http2ServerResponse | NmsWebSocket
  run: () => void
  onStartPlay: () => void
}

/** NMS's state: one per process and copy of the package. */
export interface NmsContext {
  readonly sessions: Map<string, NmsSession>
  /** Stream path to the publisher's id. */
  readonly publishers: Map<string, string>
  readonly idlePlayers: Set<string>
  readonly nodeEvent: EventEmitter
  readonly stat: { inbytes: number, outbytes: number, accepted: number }
}

/** The part of the config that matters here; NMS validates none of it. */
export interface NmsConfig {
  httpAuth?: unknown
  readonly rtmp?: { readonly port?: unknown }
  readonly http?: { readonly mediaroot?: unknown, readonly webroot?: unknown, readonly api?: unknown }
  readonly auth?: { readonly api?: unknown }
  readonly trans?: unknown
  readonly relay?: { readonly tasks?: unknown }
  readonly fission?: unknown
}

/** A `NodeMediaServer`; the servers exist once it runs. */
export interface NmsInstance {
  config: NmsConfig
  readonly nrs?: { readonly tcpServer: NetServer, readonly tlsServer?: TlsServer }
  readonly nhs?: { readonly httpServer: Server, readonly httpsServer?: Http2SecureServer }
  run: () => void
  stop: () => unknown
}

/** One of NMS's ffmpeg tasks. */
export interface NmsTask {
  readonly conf: object
  readonly ffmpeg_exec?: EventEmitter
  run: () => void
}

/** NMS's parser state while inside a message's payload. */
export const PARSING_PAYLOAD = 4

export const isRtmp = (session: NmsSession): session is NmsRtmpSession => session.TAG === 'rtmp'
export const isFlv = (session: NmsSession): session is NmsFlvSession => session.TAG === 'http-flv' || session.TAG === 'websocket-flv'
export const isWebSocket = (res: NmsFlvSession['res']): res is NmsWebSocket => 'terminate' in res

/** NMS's own implementation, on the prototype of the class. */
export const nmsOf = (session: NmsRtmpSession): NmsRtmpSession => Object.getPrototypeOf(session) as NmsRtmpSession
