import type { Action } from '../access/request.js'

/** A folder that NMS serves over HTTP. */
export interface StaticRoute {
  /** Where it is mounted, as configured: `/public`. */
  readonly router: string
  /** Absolute folder that is served. */
  readonly root: string
  /** Whether it is open to everybody: pages, not media. */
  readonly open?: boolean
}

/** What the path of an HTTP request means as a live stream. */
export type LiveRoute =
  | { readonly is: 'live', readonly streamPath: string }
  /** NMS could take it for a stream, but it is not the one spelling by which the backend is asked. */
  | { readonly is: 'malformed', readonly of: 'live' }
  | { readonly is: 'other' }

/**
 * How one version of node-media-server names streams and routes requests. Pure, made of the config
 * alone, so that it is known without a running server.
 */
export interface Dialect {
  /** The folders that it serves, in the order in which it looks into them; at most one is not open. */
  readonly staticRoutes: readonly StaticRoute[]
  /** `/app/name`, or `undefined` if no stream can have that name. */
  streamOf(app: string, name: string): string | undefined
  liveOf(rawPath: string): LiveRoute
  webSocketStreamOf(rawPath: string): string | undefined
  /** What an HTTP request for a live stream does by its method; `undefined` if NMS knows no such method. */
  actionOf(method: string): Action | undefined
  /** What a WebSocket does by its first subprotocol, which is empty if it names none. */
  webSocketActionOf(subprotocol: string): Action
  /** Whether NMS may answer a path with a page of its own or its API. */
  isOwnPage(rawPath: string): boolean
  /** Which of the two NMS chooses for a path that means a file below a static route and a live stream as well. */
  fileOverLive(rawPath: string): 'always' | 'if-there' | 'never'
}
