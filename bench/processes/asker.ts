/** A process that does nothing but ask: through the plugin's door and chain, or with a bare loop over undici's pool. */
import { Pool, type Dispatcher } from 'undici'
import type * as DepartureModule from '../../lib/access/departure.js'
import type { AccessRequest } from '../../lib/access/request.js'
import type * as ChainModule from '../../lib/assembly/chain.js'
import type * as DoorModule from '../../lib/gate/door/door.js'
import type * as StatsModule from '../../lib/observe/stats.js'
import type * as ConsoleLogModule from '../../lib/observe/console.js'
import type * as RegistryModule from '../../lib/sessions/registry.js'
import type * as ResolveModule from '../../lib/options/resolve.js'
import type * as BackendModule from '../../lib/backend/backend.js'
import { answer } from './answer.js'
import { built } from './built.js'

const { Departure } = await built<typeof DepartureModule>('access/departure.js')
const { createChain } = await built<typeof ChainModule>('assembly/chain.js')
const { createDoor } = await built<typeof DoorModule>('gate/door/door.js')
const { createRegistry } = await built<typeof RegistryModule>('sessions/registry.js')
const { createCounters } = await built<typeof StatsModule>('observe/stats.js')
const { createConsoleLog } = await built<typeof ConsoleLogModule>('observe/console.js')
const { resolve: settingsOf } = await built<typeof ResolveModule>('options/resolve.js')
const { buildRequest } = await built<typeof BackendModule>('backend/backend.js')

const noop = (): void => undefined

/** As a player of a portal asks. */
const request = (id: number): AccessRequest => ({
  sessionId: `mj2q8r0v${id.toString(36)}`, action: 'play', protocol: 'rtmp', ip: '203.0.113.7', path: '/live/s',
  origin: 'rtmp://live.example.com', userAgent: 'LNX 9,0,124,2', query: 'token=0123456789abcdef0123456789abcdef', streamPath: '/live/s'
})

let door: ReturnType<typeof createDoor>
let close: () => Promise<void> = () => Promise.resolve()
let pool: Pool
let path = ''
let headers: string[] = []

const start = ({ url }: { url: string }): void => {
  const settings = settingsOf({ url })
  const counters = createCounters()
  const log = createConsoleLog(settings.log)
  const chain = createChain(settings, { onBegin: noop, onEnd: noop, onOpen: noop, onClose: noop, onUnavailable: noop })
  door = createDoor({
    authorize: chain.authorize,
    hold: () => noop,
    bar: () => undefined, reserve: createRegistry().reserve,
    report: (asked, verdict) => {
      counters.verdict?.({ at: Date.now(), request: asked, verdict })
      log.verdict(asked, verdict)
    },
    onBug: (error) => { throw error }
  })
  const bare = buildRequest(settings.play, url, request(0))
  if ('malformed' in bare) throw new Error(bare.malformed)
  path = bare.path
  headers = bare.headers
  pool = new Pool(bare.origin, { connections: settings.play.maxConnections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  close = async () => {
    await chain.close()
    await pool.destroy()
  }
}

/** @returns requests per second */
const throughDoor = async ({ concurrency, count }: { concurrency: number, count: number }): Promise<number> => {
  let id = 0
  const one = async (): Promise<void> => {
    while (id < count) {
      const decision = await door.admit({ asked: request(id++) }, new Departure())
      if (decision === undefined || 'refused' in decision) throw new Error(decision?.refused.reason ?? 'the client left')
    }
  }
  const from = performance.now()
  await Promise.all(Array.from({ length: concurrency }, one))
  return count / (performance.now() - from) * 1000
}

/** @returns requests per second */
const bare = ({ concurrency, count }: { concurrency: number, count: number }): Promise<number> => new Promise((resolve, reject) => {
  let sent = 0
  let done = 0
  const from = performance.now()
  const handler: Dispatcher.DispatchHandler = {
    onConnect: noop,
    onHeaders: (status) => { if (status !== 200) reject(new Error(`status ${status}`)); return true },
    onData: () => true,
    onComplete: () => {
      done += 1
      if (done === count) resolve(count / (performance.now() - from) * 1000)
      else if (sent < count) next()
    },
    onError: reject
  }
  const next = (): void => {
    sent += 1
    pool.dispatch({ method: 'GET', path, headers }, handler)
  }
  for (let i = 0; i < concurrency; i++) next()
})

const orders = { start, throughDoor, bare, close: () => close() }

export type AskerOrders = typeof orders
answer(orders)
