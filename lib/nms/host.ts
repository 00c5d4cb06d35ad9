import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Admission } from '../access/admission.js'
import type { EndReason } from '../access/place.js'
import type { AccessRequest, Action } from '../access/request.js'
import type { ServerName } from '../access/settings.js'
import type { Dialect } from './dialect.js'
import type { LoadedPackage } from './package.js'

/** A viewer that node-media-server itself knows nothing of (HLS, files), made visible to it. */
export interface ViewerSession {
  readonly id: string
  readonly request: AccessRequest
  readonly ended: boolean
  /** Adds to the bytes that NMS's admin API shows as sent. */
  sent(bytes: number): void
  /** Ends the session and its place: raises `donePlay`, takes it off NMS's list. Calling it again does nothing. */
  end(reason: EndReason): void
}

/** Who serves viewers of files: NMS knows nothing of their requests. */
export interface ViewerOwner {
  /** Somebody (admin API, `notify.url`, the registry) closes it; called before `donePlay`. */
  closed(viewer: ViewerSession): void
  /** See `ServedClient`. */
  quietMs(viewer: ViewerSession): number
  goneAfterMs(viewer: ViewerSession): number
}

/** A `play` or `publish` command; every field but the action is as the client sent it: `app` and `name` may hold a query, or a part of one. */
export interface RtmpCommand {
  readonly action: Action
  /** `app` of the `connect` command; empty if it was no string. */
  readonly app: string
  /** The command's stream name with whatever follows its `?`; empty if it was no string. */
  readonly name: string
  readonly tcUrl: string
  readonly flashVer: string
}

/** Who takes an RTMP connection through the door. */
export interface RtmpListener {
  /** The client sent a command, at which NMS was stopped. */
  command(received: RtmpCommand): void
  /** The client has ended its play by itself and may ask for another stream. */
  playEnded(): void
  /** It is a client of NMS's own (an ffmpeg), which NMS carries out the command of at once: nobody is asked. */
  own(action: Action): void
  closed(): void
  /** The session was admitted and is given back to NMS, which reads its socket itself from then on. */
  released(): void
}

/** What NMS's parser is given of one client; beyond it `feed` throws. */
export interface Limits {
  readonly messageBytes: number
  /** How many messages may still begin; no limit if absent. */
  readonly messages?: number
}

/** One RTMP connection whose bytes reach NMS's parser only through `feed`. */
export interface RtmpPeer {
  readonly id: string
  readonly socket: Socket
  /**
   * Hands bytes to NMS's parser, which may call the listener's `command` meanwhile.
   * Throws what the parser throws: the connection is then beyond repair.
   */
  feed(bytes: Buffer): void
  /** How many bytes may be fed at once without running past the end of the message being parsed; at least 1. */
  step(): number
  limit(limits: Limits): void
  /** Of `limit`'s messages. */
  readonly messagesLeft: number
  /** How many messages have begun until now. */
  readonly messagesSeen: number
  /** Bytes that the parser holds for messages of this client. */
  readonly reserved: number
  /**
   * Lets NMS carry out the command that it was stopped at, which was admitted so, and with it registers the
   * grant. NMS is given the app, name and query of the admitted request, not what the client wrote.
   */
  proceed(admission: Admission): void
  /** Tells the client why its command failed (`onStatus`, level `error`). */
  sendError(code: string, description: string): void
  /** Whatever is fed from now on is thrown away, the rest of what is being parsed included. */
  stop(): void
  /** Calls once NMS has sent this client its first media message, at once if it has already. */
  afterFirstMedia(listener: () => void): void
}

/** What is done with RTMP connections before NMS gets to see their bytes. */
export interface RtmpFront {
  /** A TCP connection was accepted; for RTMPS its TLS handshake is still to come. */
  accepted(socket: Socket): void
  /** The connection can carry RTMP; `adopt` makes NMS's session of it. */
  ready(socket: Socket, secure: boolean, adopt: (listener: RtmpListener) => RtmpPeer): void
  /** A session that was running before the plugin was attached. */
  running(adopt: (listener: RtmpListener) => RtmpPeer): void
}

export type HttpRequest = IncomingMessage | Http2ServerRequest
export type HttpResponse = ServerResponse | Http2ServerResponse

/** What is done with HTTP requests before NMS gets to see them; `forward` hands them on as they came. */
export interface HttpFront {
  request(req: HttpRequest, res: HttpResponse, secure: boolean, forward: () => void): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, secure: boolean, forward: (head: Buffer) => void): void
}

/** What is done with TCP connections before anything else. */
export interface ProxyFront {
  covers(server: ServerName): boolean
  /** A connection was accepted; `pass` hands it on, with the address that it has by then. */
  accepted(socket: Socket, pass: () => void): void
}

/** The fronts: what is put in front of NMS's own listeners. */
export interface Fronts {
  readonly proxy?: ProxyFront
  readonly rtmp: RtmpFront
  readonly http: HttpFront
}

/** The ledger: who may do what, and who is made known to NMS. */
export interface Ledger {
  /** An unguessable session id of the shape that NMS gives. */
  newSessionId(): string
  /**
   * Lets the session that NMS will make of an HTTP request do what was asked for, under the same id.
   * Without it the guard stops that session. `address` is `address:port` of the client, whoever
   * carried its request here.
   */
  grant(req: HttpRequest, admission: Admission, address: string): void
  /**
   * Lets NMS's folders answer a request; without it one that holds media gives nothing on a host where
   * pages share its paths.
   */
  admitFile(req: HttpRequest): void
  /**
   * Makes an allowed viewer visible: raises `prePlay` and `postPlay`, lists it in the admin API.
   * `address` is `address:port` of the first request, as NMS's own sessions have it. Throws what a
   * listener of NMS's events throws; the session has ended then.
   */
  openViewer(admission: Admission, address: string, owner: ViewerOwner): ViewerSession
}

/** What gates may know of the running node-media-server, whatever its version. */
export interface Host extends Ledger {
  readonly version: string
  readonly dialect: Dialect
}

/** Somebody who reached NMS without a verdict. */
export interface Intruder {
  readonly id: string
  /** `address:port` */
  readonly ip: string
  readonly streamPath: string
}

/** What the host reports. */
export interface HostListener {
  /** A client that no gate had let in was cut. */
  onIntruder: (intruder: Intruder, action: Action, layer: 'guard' | 'hook') => void
  /** Whether a publisher is the one that publishes already, so that it may take over its own stream. */
  takesOver: (running: AccessRequest, newcomer: AccessRequest) => boolean
  /** A listener that the app has on NMS's `donePlay` has thrown at the end of a viewer of files. */
  onFailure: (error: unknown) => void
  /** NMS is being stopped; the plugin closes first. */
  onStop: () => Promise<void>
}

/** A node-media-server that was checked and can be guarded. */
export interface AttachedHost extends Host {
  /** The config section that NMS was given, whatever it is. */
  readonly section: unknown
  /** The file that the config came from, if NMS's command line was started with one. */
  readonly configFile: string | undefined
  /** Puts the fronts, the guard and the hooks in front of NMS. */
  install(fronts: Fronts): void
  /** Gives NMS back everything as it was, running sessions included. */
  uninstall(): void
  /** Stops NMS, as its own `stop()` does; the plugin is closed first. */
  stop(): Promise<void>
  /** Puts another section into NMS's config in memory, which its config API writes over the file. */
  replaceSection(section: unknown): void
}

/** What the room of one version offers to whoever looks for the host of an instance. */
export interface HostRoom {
  /** The object that NMS keeps its state in: one for each process and copy of the package. */
  stateOf(loaded: LoadedPackage): object
  configOf(instance: object, loaded: LoadedPackage): { readonly config: object, readonly configFile: string | undefined }
  /** @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED */
  attach(instance: object, loaded: LoadedPackage, listener: HostListener): AttachedHost
  /** @throws HttpAuthError ERR_HOST_UNSUPPORTED if a server with this config could not be guarded */
  createDialect(config: object, dir?: string): Dialect
}
