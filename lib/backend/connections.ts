import type { Socket } from 'node:net'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import type { BackendSettings } from '../access/settings.js'
import { Connection } from './connection.js'

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
  origin: string, settings: Pick<BackendSettings, 'tls' | 'maxConnections' | 'timeoutMs'>, onSocket?: (socket: Socket) => void
): Connections => {
  const connector = buildConnector({ ...connectOptions(settings), timeout: settings.timeoutMs })
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
