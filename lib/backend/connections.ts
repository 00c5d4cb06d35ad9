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
  /** Closes every one at once, also those that are still being made. */
  destroy(): Promise<void>
}

/** @param onSocket - gets the socket of each connection as it begins to be made */
export const createConnections = (
  origin: string, settings: Pick<BackendSettings, 'tls' | 'maxConnections' | 'timeoutMs'>, lookup: Lookup, onSocket?: (socket: Socket) => void
): Connections => {
  // Whoever waits for a connection gives it up in time; this is for one that nobody waits for any more.
  const connector = buildConnector({ ...connectOptions(settings), timeout: 2 * settings.timeoutMs, lookup: lookup.fresh })
  const made: Connection[] = []
  const pool = new Pool(origin, {
    connections: settings.maxConnections,
    pipelining: 1,
    // Time is kept per question.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (url, options) => {
      const connection = new Connection(url, options, connector, onSocket)
      made.push(connection)
      return connection
    }
  })
  // The pool would forget a connection that failed but go on to use it for whoever waits, and make
  // another in its place: ever more of them, and more than maxConnections, the longer an outage lasts.
  pool.removeAllListeners('connectionError')
  return {
    dispatch: (options, handler) => { pool.dispatch(options, handler) },
    async destroy() {
      const destroyed = pool.destroy()
      // undici leaves those alone that are still being made, and they would keep the process alive.
      for (const connection of made) connection.cut()
      await destroyed
    }
  }
}
