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

export const createConnections = (origin: string, settings: Pick<BackendSettings, 'tls' | 'maxConnections' | 'timeoutMs'>): Connections => {
  const connector = buildConnector({ ...connectOptions(settings), timeout: settings.timeoutMs })
  // undici cannot end a connection that it is still making, which would keep the process alive.
  const opening = new Set<Socket>()
  const connect: buildConnector.connector = (options, callback) => {
    const socket = connector(options, callback) as unknown as Socket
    opening.add(socket)
    const opened = (): void => { opening.delete(socket) }
    socket.once(options.protocol === 'https:' ? 'secureConnect' : 'connect', opened).once('close', opened)
  }
  const pool = new Pool(origin, {
    connect,
    connections: settings.maxConnections,
    pipelining: 1,
    // Time is kept per question.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (url, options) => new Connection(url, options)
  })
  // The pool would forget a connection that failed but go on to use it for whoever waits, and make
  // another in its place: ever more of them, and more than maxConnections, the longer an outage lasts.
  pool.removeAllListeners('connectionError')
  return {
    dispatch: (options, handler) => { pool.dispatch(options, handler) },
    async destroy() {
      for (const socket of opening) socket.destroy()
      await pool.destroy()
    }
  }
}
