import type { LiveRoute } from '../dialect.js'

/**
 * An app or stream name: letters, digits, `_` and `-`. Version 4 accepts no others; version 2 accepts any, but makes
 * folders and URLs of them.
 */
const NAME = /^[A-Za-z0-9_-]+$/
const LIVE = /^\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)\.flv$/
const WEBSOCKET = /^\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)(?:\.flv)?$/

/** `/app/name`, or `undefined` for an invalid name. */
export const streamPathOf = (app: string, name: string): string | undefined =>
  NAME.test(app) && NAME.test(name) ? `/${app}/${name}` : undefined

/** The stream of a WebSocket target: `/app/name` or `/app/name.flv`, and nothing else. */
export const webSocketStreamPath = (path: string): string | undefined => match(WEBSOCKET, path)

/** The stream of an HTTP target. NMS also plays `/live/s` for `/live/%73.FLV/`, which is malformed here. */
export const liveOf = (path: string): LiveRoute => {
  const streamPath = match(LIVE, path)
  if (streamPath !== undefined) return { is: 'live', streamPath }
  return looksLive(path) ? { is: 'malformed', of: 'live' } : { is: 'other' }
}

const match = (pattern: RegExp, path: string): string | undefined => {
  const [whole, app, name] = pattern.exec(path) ?? []
  return whole === undefined ? undefined : `/${app}/${name}`
}

/** Errs on the safe side: what remains of the path once every disguise is removed. */
const looksLive = (path: string): boolean => {
  let bare = path
  for (let i = 0; i < 3 && bare.includes('%'); i++) {
    bare = bare.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  }
  bare = /^[^#?;\0]*/.exec(bare)?.[0] ?? ''
  return /\.flv[\s./\\]*$/i.test(bare) || /\.flv[\s./\\]*$/i.test(path)
}
