import { join, resolve } from 'node:path'
import type { Dialect, StaticRoute } from '../dialect.js'
import { liveOf, streamPathOf, webSocketStreamPath } from '../common/stream-path.js'
import type { NmsConfig } from './shapes.js'

/** NMS's default. */
const MEDIAROOT = './media'

const folder = (value: unknown): string | undefined => typeof value === 'string' && value !== '' ? value : undefined

/**
 * How version 2 names streams and routes requests: every path ending in `.flv` is live; everything else is looked up in
 * the package's own pages, in `mediaroot` and in `webroot`, all mounted at the root.
 *
 * @param dir - the folder of the package; `undefined` if unknown
 */
export const createDialect = ({ http }: NmsConfig, dir?: string): Dialect => {
  const at = (root: string | undefined, open: boolean): StaticRoute[] => root === undefined ? [] : [{ router: '/', root: resolve(root), open }]
  const pages = dir && join(dir, 'src', 'public')
  return {
    staticRoutes: http ? [...at(pages, true), ...at(folder(http.mediaroot) ?? MEDIAROOT, false), ...at(folder(http.webroot), true)] : [],
    streamOf: streamPathOf,
    liveOf,
    webSocketStreamOf: webSocketStreamPath,
    actionOf: (method) => method === 'GET' ? 'play' : undefined,
    webSocketActionOf: () => 'play',
    isOwnPage: (rawPath) => /^\/(?:admin\/|api(?:\/|$))/i.test(rawPath),
    fileOverLive: () => 'never'
  }
}
