import type { Action } from '../access/request.js'

/** A folder that NMS serves over HTTP. */
export interface StaticRoute {
  /** Mount path as configured: `/public`. */
  readonly router: string
  /** Absolute path of the folder. */
  readonly root: string
  /** Whether it is open to everybody: pages, not media. */
  readonly open?: boolean
}

/** The live stream named by the path of an HTTP request. */
export type LiveRoute =
  | { readonly is: 'live', readonly streamPath: string }
  /** NMS could take it for a stream, but it is not the spelling the backend is asked about. */
  | { readonly is: 'malformed', readonly of: 'live' }
  | { readonly is: 'other' }

/**
 * How one version of node-media-server names streams and routes requests. Pure: derived from the config alone, without
 * a running server.
 */
export interface Dialect {
  /** The served folders, in the order NMS searches them; at most one is not open. */
  readonly staticRoutes: readonly StaticRoute[]
  /** `/app/name`, or `undefined` for an invalid name. */
  streamOf(app: string, name: string): string | undefined
  liveOf(rawPath: string): LiveRoute
  webSocketStreamOf(rawPath: string): string | undefined
  /** The action of an HTTP method on a live stream; `undefined` if NMS does not know the method. */
  actionOf(method: string): Action | undefined
  /** The action of a WebSocket's first subprotocol, which is empty if there is none. */
  webSocketActionOf(subprotocol: string): Action
  /** Whether NMS may answer this path with a page of its own or its API. */
  isOwnPage(rawPath: string): boolean
  /** Which one NMS chooses for a path that is both a file below a static route and a live stream. */
  fileOverLive(rawPath: string): 'always' | 'if-there' | 'never'
}
