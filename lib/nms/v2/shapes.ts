/**
 * What the plugin takes node-media-server 2.7.4 to look like inside; `assumptions.ts` checks it on the
 * loaded package before anything is touched.
 */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Server as NetServer, Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'

/** Any entry of NMS's session list. */
export interface NmsSession {
  id: string
  /** Without port. */
  ip: string
  /** `rtmp`, `http-flv`, `websocket-flv`, `relay`; ours are `hls`, `file`. */
  readonly TAG: string
  isStarting: boolean
  isPlaying: boolean
  isIdling: boolean
  playStreamPath: string
  /** Ends the session: raises its `done` events, takes it off the list. */
  stop: () => void
  reject: () => void
}

/** A decoded AMF0 command; every field is the client's and may be of any type. */
export interface NmsInvoke { streamName?: unknown, cmdObj?: unknown, readonly streamId?: unknown }

interface Packet { readonly payload: Buffer | null, bytes: number, capacity: number, header: { fmt: number, length: number, type: number, stream_id: number } }

/** Parser and session in one; every method is of its prototype. */
export interface NmsRtmpSession extends NmsSession {
  readonly socket: Socket
  appname: unknown
  connectCmdObj?: { readonly app?: unknown, readonly tcUrl?: unknown, readonly flashVer?: unknown }
  isLocal: boolean
  isPublishing: boolean
  playStreamId: number
  publishStreamId: number
  publishStreamPath: string
  pingInterval: NodeJS.Timeout | null
  inChunkSize: number
  readonly inPackets: Map<number, unknown>
  parserState: number
  readonly parserBasicBytes: number
  parserPacket: Packet | null
  /** What a publisher has sent since its last keyframe; `null` where the config says so. */
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

/** The WebSocket of the `ws` package, as far as it is used here. */
export interface NmsWebSocket extends EventEmitter { readonly bufferedAmount: number, terminate: () => void, close: (code?: number, reason?: string) => void }

/** A player over HTTP or WebSocket. Nobody publishes over these. */
export interface NmsFlvSession extends NmsSession {
  readonly req: (IncomingMessage | Http2ServerRequest) & { nmsConnectionType?: string }
  readonly res: ServerResponse | Http2ServerResponse | NmsWebSocket
  run: () => void
  onStartPlay: () => void
}

/** NMS's state: one per process and per copy of the package. */
export interface NmsContext {
  readonly sessions: Map<string, NmsSession>
  /** Stream path to the publisher's id. */
  readonly publishers: Map<string, string>
  readonly idlePlayers: Set<string>
  readonly nodeEvent: EventEmitter
  readonly stat: { inbytes: number, outbytes: number, accepted: number }
}

/** What of the config matters here; NMS itself checks nothing of it. */
export interface NmsConfig {
  httpAuth?: unknown
  readonly rtmp?: { readonly port?: unknown }
  readonly http?: { readonly mediaroot?: unknown, readonly webroot?: unknown, readonly api?: unknown }
  readonly auth?: { readonly api?: unknown }
  readonly relay?: { readonly tasks?: unknown }
}

/** A `NodeMediaServer`, whose servers are there once it runs. */
export interface NmsInstance {
  config: NmsConfig
  readonly nrs?: { readonly tcpServer: NetServer, readonly tlsServer?: TlsServer }
  readonly nhs?: { readonly httpServer: Server, readonly httpsServer?: Http2SecureServer }
  run: () => void
  stop: () => unknown
}

/** One of NMS's ffmpegs. */
export interface NmsTask {
  readonly conf: object
  readonly ffmpeg_exec?: EventEmitter
  run: () => void
}

/** NMS's parser state inside a message's payload. */
export const PARSING_PAYLOAD = 4

export const isRtmp = (session: NmsSession): session is NmsRtmpSession => session.TAG === 'rtmp'
export const isFlv = (session: NmsSession): session is NmsFlvSession => session.TAG === 'http-flv' || session.TAG === 'websocket-flv'
export const isWebSocket = (res: NmsFlvSession['res']): res is NmsWebSocket => 'terminate' in res
