import type { Dialect } from '../dialect.js'
import { staticRouteOf } from './static-route.js'
import { liveOf, streamPathOf, webSocketStreamPath } from '../common/stream-path.js'

/** The sections of NMS's config that matter here. */
export interface DialectConfig { readonly static?: Parameters<typeof staticRouteOf>[0] }

/** Subprotocols that make NMS treat a WebSocket as a publisher. */
const PUBLISHING = new Set(['post', 'publisher'])

/**
 * How version 4 names streams and routes requests.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if its static route cannot be guarded
 */
export const createDialect = (config: DialectConfig): Dialect => {
  const route = staticRouteOf(config.static)
  return {
    staticRoutes: route === undefined ? [] : [route],
    streamOf: streamPathOf,
    liveOf,
    webSocketStreamOf: webSocketStreamPath,
    actionOf: (method) => method === 'GET' ? 'play' : method === 'POST' ? 'publish' : undefined,
    webSocketActionOf: (subprotocol) => PUBLISHING.has(subprotocol.toLowerCase()) ? 'publish' : 'play',
    // These paths may be below a static route mounted at the root.
    isOwnPage: (rawPath) => /^\/(?:admin|api)(?:\/|$)/i.test(rawPath),
    // The static route comes first; the route of live streams matches two segments.
    fileOverLive: (rawPath) => /^\/[^/]+\/[^/]+\/?$/.test(rawPath) ? 'if-there' : 'always'
  }
}
