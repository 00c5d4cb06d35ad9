import type { Socket } from 'node:net'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import type { BackendSettings } from '../access/settings.js'
import { Connection } from './connection.js'
import type { Lookup } from './lookup.js'

/** How a connection to any of the backends is made: what `tls.connect` takes. */
export const connectOptions = ({ tls }: Pick<BackendSettings, 'tls'>): { ca?: string, cert?: string, key?: string, rejectUnauthorized: boolean } => ({ ...tls })

/** The connections to one backend. */
export interface Connections {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void
  /** Closes all of them at once, including those still being established. */
  destroy(): Promise<void>
}

/** @param onSocket - gets the socket of each connection as soon as it exists */
export const createConnections = (
  origin: string, settings: Pick<BackendSettings, 'tls' | 'maxConnections' | 'timeoutMs'>, lookup: Lookup, onSocket?: (socket: Socket) => void
): Connections => {
  // Questions give up a connection by themselves; this timeout is for one that no question waits for any more.
  const connector = buildConnector({ ...connectOptions(settings), timeout: 2 * settings.timeoutMs, lookup: lookup.fresh })
  const made: Connection[] = []
  const pool = new Pool(origin, {
    connections: settings.maxConnections,
    pipelining: 1,
    // Each question keeps its own time.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (url, options) => {
      const connection = new Connection(url, options, connector, onSocket)
      made.push(connection)
      return connection
    }
  })
  // The pool would drop a failed connection, go on using it for the questions that wait, and open another in its place:
  // more and more of them, beyond maxConnections, the longer an outage lasts.
  pool.removeAllListeners('connectionError')
  return {
    dispatch: (options, handler) => { pool.dispatch(options, handler) },
    async destroy() {
      const destroyed = pool.destroy()
      // undici leaves sockets alone that are still connecting, and they would keep the process alive.
      for (const connection of made) connection.cut()
      await destroyed
    }
  }
}
