import type { BackendOrders } from './processes/backend.js'
import type { LoadOrders } from './processes/load.js'
import type { ServerOrders, ServerStart } from './processes/server.js'
import { startHelper, type Helper } from './processes/start.js'

/** A server with where it listens. */
export interface Server extends Helper<ServerOrders> { readonly rtmp: number, readonly http: number }

/** Backend, load and servers of a bench, each a process. */
export interface Scene {
  readonly backend: Helper<BackendOrders>
  readonly backendPort: number
  readonly url: string
  readonly load: Helper<LoadOrders>
  server(start: ServerStart): Promise<Server>
}

/** Sets a scene, and clears it away whatever happens. */
export const withScene = async <T>(use: (scene: Scene) => Promise<T>): Promise<T> => {
  const helpers: { close(): Promise<void> }[] = []
  const keep = <H extends { close(): Promise<void> }>(helper: H): H => {
    helpers.push(helper)
    return helper
  }
  try {
    const backend = keep(await startHelper<BackendOrders>('backend'))
    const load = keep(await startHelper<LoadOrders>('load'))
    const backendPort = await backend.call('start')
    return await use({
      backend, backendPort, load, url: `http://127.0.0.1:${backendPort}`,
      async server(start) {
        const helper = keep(await startHelper<ServerOrders>('server'))
        return { ...helper, ...await helper.call('start', start) }
      }
    })
  } finally {
    await Promise.all(helpers.map((helper) => helper.close()))
  }
}

/** Lets what was begun come to rest. */
export const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
