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

/** A viewer of files, of which node-media-server itself knows nothing, made visible to it. */
export interface ViewerSession {
  readonly id: string
  readonly request: AccessRequest
  readonly ended: boolean
  /** Adds to the bytes sent in NMS's admin API. */
  sent(bytes: number): void
  /** Ends the session and its place: raises `donePlay` and removes it from NMS's list. Calling it again does nothing. */
  end(reason: EndReason): void
}

/** The server of files' viewers: NMS does not know their requests. */
export interface ViewerOwner {
  /** The session is being closed (admin API, `notify.url`, the registry); called before `donePlay`. */
  closed(viewer: ViewerSession): void
  /** See `ServedClient`. */
  quietMs(viewer: ViewerSession): number
  goneAfterMs(viewer: ViewerSession): number
}

/**
 * A `play` or `publish` command. Everything but the action is as the client sent it: `app` and `name` may contain a
 * query, or part of one.
 */
export interface RtmpCommand {
  readonly action: Action
  /** `app` of the `connect` command; empty if not a string. */
  readonly app: string
  /** The stream name of the command, including what follows a `?`; empty if not a string. */
  readonly name: string
  readonly tcUrl: string
  readonly flashVer: string
}

/** Takes an RTMP connection through the door. */
export interface RtmpListener {
  /** The client sent a command; NMS was stopped at it. */
  command(received: RtmpCommand): void
  /** The client ended its play and may ask for another stream. */
  playEnded(): void
  /** The client is one of NMS's own ffmpegs; NMS carries out its command at once, and nobody is asked. */
  own(action: Action): void
  closed(): void
  /** The session was admitted and given back to NMS, which now reads its socket itself. */
  released(): void
}

/** Bounds on what NMS's parser gets of one client; `feed` throws beyond them. */
export interface Limits {
  readonly messageBytes: number
  /** How many more messages may begin; absent: no limit. */
  readonly messages?: number
}

/** One RTMP connection whose bytes reach NMS's parser only through `feed`. */
export interface RtmpPeer {
  readonly id: string
  readonly socket: Socket
  /**
   * Passes bytes to NMS's parser, which may call the listener's `command` meanwhile. Throws what the parser throws: the
   * connection is then broken.
   */
  feed(bytes: Buffer): void
  /** How many bytes may be fed at once without passing the end of the current message; at least 1. */
  step(): number
  limit(limits: Limits): void
  /** Messages counted against `limit`. */
  readonly messagesLeft: number
  /** How many messages have begun. */
  readonly messagesSeen: number
  /** Bytes the parser holds for this client's messages. */
  readonly reserved: number
  /**
   * Lets NMS carry out the command it was stopped at, which is now admitted, and registers the grant. NMS gets app,
   * name and query of the admitted request, not what the client wrote.
   */
  proceed(admission: Admission): void
  /** Tells the client why its command failed (`onStatus`, level `error`). */
  sendError(code: string, description: string): void
  /** Discards everything fed from now on, including the rest of the current message. */
  stop(): void
  /** Calls back once NMS has sent this client its first media message; at once if it already has. */
  afterFirstMedia(listener: () => void): void
}

/** Stands before NMS on RTMP connections. */
export interface RtmpFront {
  /** A TCP connection was accepted; for RTMPS the TLS handshake is still to come. */
  accepted(socket: Socket): void
  /** The connection is ready for RTMP; `adopt` makes NMS's session of it. */
  ready(socket: Socket, secure: boolean, adopt: (listener: RtmpListener) => RtmpPeer): void
  /** A session that was running when the plugin was attached. */
  running(adopt: (listener: RtmpListener) => RtmpPeer): void
}

export type HttpRequest = IncomingMessage | Http2ServerRequest
export type HttpResponse = ServerResponse | Http2ServerResponse

/** Stands before NMS on HTTP requests; `forward` passes them on as they came. */
export interface HttpFront {
  request(req: HttpRequest, res: HttpResponse, secure: boolean, forward: () => void): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, secure: boolean, forward: (head: Buffer) => void): void
}

/** Stands before everything else on TCP connections. */
export interface ProxyFront {
  /** A connection to this server was accepted; `pass` hands it on, with its address as it is by then. */
  accepted(server: ServerName, socket: Socket, pass: () => void): void
}

/** The fronts: what stands before NMS's own listeners. */
export interface Fronts {
  readonly proxy: ProxyFront
  readonly rtmp: RtmpFront
  readonly http: HttpFront
}

/** The ledger: who may do what, and who is shown to NMS. */
export interface Ledger {
  /** An unguessable session id in NMS's format. */
  newSessionId(): string
  /**
   * Lets the session that NMS will make for an HTTP request do what was admitted, under the same id. Without a grant
   * the guard stops it. `address` is the client's `address:port`, whoever carried the request here.
   */
  grant(req: HttpRequest, admission: Admission, address: string): void
  /** Lets NMS's folders answer a request. Without it, a folder with media serves nothing on a host whose pages share its paths. */
  admitFile(req: HttpRequest): void
  /**
   * Makes an admitted viewer visible: raises `prePlay` and `postPlay`, and lists it in the admin API. `address` is the
   * `address:port` of the first request. Throws what a listener of NMS's events throws; the session has then ended.
   */
  openViewer(admission: Admission, address: string, owner: ViewerOwner): ViewerSession
}

/** What gates know about the running node-media-server, whatever its version. */
export interface Host extends Ledger {
  readonly version: string
  readonly dialect: Dialect
}

/** A client that reached NMS without a verdict. */
export interface Intruder {
  readonly id: string
  /** `address:port` */
  readonly ip: string
  readonly streamPath: string
}

/** Reports from the host. */
export interface HostListener {
  /** A client that no gate had admitted was cut. */
  onIntruder: (intruder: Intruder, action: Action, layer: 'guard' | 'hook') => void
  /** Whether this publisher is the one that already publishes, and may take over its own stream. */
  takesOver: (running: AccessRequest, newcomer: AccessRequest) => boolean
  /** A listener of the app on NMS's `donePlay` threw at the end of a viewer of files. */
  onFailure: (error: unknown) => void
  /** NMS is being stopped: the plugin closes, and stops NMS while its gates still stand. */
  onStop: (halt: () => Promise<void>) => Promise<void>
}

/** A node-media-server that was checked and can be guarded. */
export interface AttachedHost extends Host {
  /** The config section given to NMS, whatever it is. */
  readonly section: unknown
  /** Warnings about NMS's own config, for the start and the admin page. */
  readonly warnings: readonly string[]
  /** The config file, if NMS's command line was started with one. */
  readonly configFile: string | undefined
  /** Puts fronts, guard and hooks before NMS. */
  install(fronts: Fronts): void
  /** Restores NMS completely, running sessions included. */
  uninstall(): void
  /** Stops NMS as its own `stop()` does; the plugin is closed first. */
  stop(): Promise<void>
  /** Replaces the section in NMS's config in memory, which its config API writes to the file. */
  replaceSection(section: unknown): void
}

/** What the room of one version offers. */
export interface HostRoom {
  /** The object holding NMS's state: one per process and copy of the package. */
  stateOf(loaded: LoadedPackage): object
  configOf(instance: object, loaded: LoadedPackage): { readonly config: object, readonly configFile: string | undefined }
  /** @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED */
  attach(instance: object, loaded: LoadedPackage, listener: HostListener): AttachedHost
  /** @throws HttpAuthError ERR_HOST_UNSUPPORTED if a server with this config could not be guarded */
  createDialect(config: object, dir?: string): Dialect
}
