import type { Networks } from '../../access/address.js'
import type { Session } from '../../hls/sessions.js'
import type { HttpRequest } from '../../nms/host.js'
import type { Exchange, HttpClient } from '../http/exchange.js'
import type { Viewer } from './viewers.js'

/** To whom a connection belongs, as far as is known from its last request. */
export interface Recent {
  readonly client: HttpClient
  readonly session: Session<Viewer>
}

/** The sessions that requests on keep-alive connections were for, so that the next of the same kind is known at a glance. */
export interface RecentSessions {
  /** Whose a request is that differs from the last one on its connection in nothing but the file's name. */
  find(req: HttpRequest, target: { readonly rawPath: string, readonly query: string }): Recent | undefined
  note(exchange: Exchange, session: Session<Viewer>): void
}

interface Entry extends Recent {
  /** As the client wrote it, with its last `/`. */
  readonly directory: string
  readonly query: string
  readonly host: string | undefined
  readonly userAgent: string | undefined
}

/** One spelling and one meaning, whatever stands before it; a live stream's would end in `.flv`. */
const PLAIN_NAME = /^[\w-]+\.(?:ts|m4s|m3u8)$/

/**
 * A player fetches segment after segment of one directory on one connection. To parse and hash each
 * of these requests in full costs as much as a twentieth of what Express needs to answer it.
 *
 * @param trusted - behind such a proxy a connection is not one client's
 */
export const createRecentSessions = (trusted: Networks): RecentSessions => {
  const entries = new WeakMap<object, Entry>()
  return {
    find({ socket, method, headers }, { rawPath, query }) {
      const entry = entries.get(socket)
      if (entry === undefined || entry.session.ended || (method !== 'GET' && method !== 'HEAD') || query !== entry.query ||
        headers.host !== entry.host || headers['user-agent'] !== entry.userAgent || !rawPath.startsWith(entry.directory)) return undefined
      return PLAIN_NAME.test(rawPath.slice(entry.directory.length)) ? entry : undefined
    },
    note({ req, rawPath, query, client }, session) {
      const { socket, headers } = req
      // On HTTP/2 each stream has an object of its own that stands for the socket.
      if ('stream' in req || trusted.has(socket.remoteAddress ?? '')) return
      const directory = rawPath.slice(0, rawPath.lastIndexOf('/') + 1)
      entries.set(socket, { client, session, directory, query, host: headers.host, userAgent: headers['user-agent'] })
    }
  }
}
