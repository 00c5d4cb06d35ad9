import type { Networks } from '../../access/address.js'
import type { Protocol } from '../../access/request.js'
import type { Session } from '../../hls/session.js'
import type { HttpRequest } from '../../nms/host.js'
import type { Exchange, HttpClient } from '../http/exchange.js'
import type { Viewer } from './viewer.js'

/** The session and stream of the last request on a connection. */
export interface Recent {
  readonly client: HttpClient
  readonly session: Session<Viewer>
}

/** The sessions last used on keep-alive connections, so that the next request of the same kind is recognised without a full parse. */
export interface RecentSessions {
  /** The session of a request that differs from the last one on its connection only in the file's name. */
  find(req: HttpRequest, target: { readonly rawPath: string, readonly query: string }): Recent | undefined
  note(exchange: Exchange, session: Session<Viewer>): void
}

interface Entry extends Recent {
  /** As the client wrote it, with its trailing `/`. */
  readonly directory: string
  readonly query: string
  readonly host: string | undefined
  readonly userAgent: string | undefined
}

/**
 * Names with one spelling and one meaning in any directory; the name of a live stream would end in `.flv`. Names of
 * playlists and manifests belong to one protocol.
 */
const PLAIN_NAMES: Readonly<Partial<Record<Protocol, RegExp>>> = { hls: /^[\w-]+\.(?:ts|m4s|m3u8)$/, dash: /^[\w-]+\.(?:ts|m4s|mpd)$/ }

/**
 * A player fetches segment after segment of one directory on one connection. Parsing and hashing each of these requests
 * in full would cost up to a twentieth of what Express needs to answer it.
 *
 * @param trusted - proxies; one of their connections may carry several clients
 */
export const createRecentSessions = (trusted: Networks): RecentSessions => {
  const entries = new WeakMap<object, Entry>()
  return {
    find({ socket, method, headers }, { rawPath, query }) {
      const entry = entries.get(socket)
      if (entry === undefined || entry.session.ended || (method !== 'GET' && method !== 'HEAD') || query !== entry.query ||
        headers.host !== entry.host || headers['user-agent'] !== entry.userAgent || !rawPath.startsWith(entry.directory)) return undefined
      return PLAIN_NAMES[entry.session.value.nms.request.protocol]?.test(rawPath.slice(entry.directory.length)) === true ? entry : undefined
    },
    note({ req, rawPath, query, client }, session) {
      const { socket, headers } = req
      // On HTTP/2 each stream has its own object in place of the socket.
      if ('stream' in req || trusted.has(socket.remoteAddress ?? '')) return
      const directory = rawPath.slice(0, rawPath.lastIndexOf('/') + 1)
      entries.set(socket, { client, session, directory, query, host: headers.host, userAgent: headers['user-agent'] })
    }
  }
}
