/** One node-media-server: alone, with the plugin, or with the listener that everybody writes first. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool, request, type Dispatcher } from 'undici'
import type * as Plugin from '../../lib/index.js'
import type { NmsInstance } from '../../lib/nms/v4/shapes.js'
import type { Options } from '../../lib/options/options.js'
import { answer } from './answer.js'
import { built } from './built.js'

type Nms = NmsInstance & { on(event: string, listener: (session: { close(): void }) => void): void, run(): Promise<void> }
const NodeMediaServer = createRequire(import.meta.url)('node-media-server') as new (config: object) => Nms

export interface ServerStart {
  readonly plugin?: Options
  /** The listener on `prePlay` that asks this URL and then closes. */
  readonly listener?: string
  /** Nagle's algorithm is off on its RTMP sockets, as a plugin has it. */
  readonly noDelay?: boolean
  readonly staticRoot?: string
}

const dir = mkdtempSync(join(tmpdir(), 'nms-http-auth-bench-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
let stats = (): number => 0

const listenAnywhere = (server: Server): void => {
  server.listen = function (this: Server, _port: unknown, host: string, listening?: () => void) {
    delete (server as Partial<Server>).listen
    return server.listen({ port: 0, host, backlog: 4096 }, listening)
  } as Server['listen']
}

const orders = {
  start: async ({ plugin, listener, noDelay = false, staticRoot }: ServerStart) => {
    const nms = new NodeMediaServer({
      bind: '127.0.0.1', rtmp: { port: 1 }, http: { port: 1 }, webadmin: { enable: false },
      store: { path: join(dir, 'store') }, record: { auto: false, path: join(dir, 'record') },
      ...(staticRoot === undefined ? {} : { static: { router: '/static', root: staticRoot } })
    })
    if (plugin !== undefined) {
      const { httpAuth } = await built<typeof Plugin>('index.js')
      const handle = httpAuth(nms, plugin)
      stats = () => handle.stats().held
    }
    if (listener !== undefined) {
      nms.on('prePlay', (session) => {
        void request(listener).then(({ statusCode, body }) => {
          void body.dump()
          if (statusCode !== 200) session.close()
        })
      })
    }
    const tcp = nms.rtmpServer.tcpServer
    const http = nms.httpServer.httpServer
    if (tcp === undefined || http === undefined) throw new Error('no listeners')
    if (noDelay) tcp.on('connection', (socket: Socket) => socket.setNoDelay(true))
    for (const server of [tcp, http]) listenAnywhere(server)
    await Promise.all([once(tcp, 'listening'), once(http, 'listening'), nms.run()])
    return { rtmp: (tcp.address() as AddressInfo).port, http: (http.address() as AddressInfo).port }
  },
  /** CPU time of this process until now, in milliseconds. */
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  /** After collecting garbage, in bytes. */
  memory: async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const { heapUsed, rss } = process.memoryUsage()
    return { heap: heapUsed, rss }
  },
  held: () => stats(),
  /** So many bare requests at once. @returns the CPU time that they took, in milliseconds */
  ask: async ({ url, count, connections }: { url: string, count: number, connections: number }) => {
    const pool = new Pool(url, { connections, pipelining: 1 })
    const from = orders.cpu()
    await new Promise<void>((resolve, reject) => {
      let done = 0
      const handler: Dispatcher.DispatchHandler = {
        onConnect: () => undefined, onHeaders: () => true, onData: () => true, onError: reject,
        onComplete: () => { if (++done === count) resolve() }
      }
      for (let i = 0; i < count; i++) pool.dispatch({ method: 'GET', path: '/?token=123', headers: ['X-Session-Id', 'mj2q8r0v', 'X-Real-Ip', '127.0.0.1', 'X-Real-Path', '/live/s', 'X-Real-Origin', 'rtmp://127.0.0.1', 'X-Real-Ua', 'LNX 9,0,124,2'] }, handler)
    })
    const took = orders.cpu() - from
    await pool.destroy()
    return took
  }
}

export type ServerOrders = typeof orders
answer(orders)
