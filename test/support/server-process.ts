/**
 * The process of one node-media-server, started by `server.ts`: builds it, attaches the plugin as
 * it is told, reports what NMS and the plugin emit, and carries out what the test sends.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo, Server } from 'node:net'
import { runInThisContext } from 'node:vm'
import type { HttpAuth } from '../../lib/handle.js'
import { httpAuth } from '../../lib/index.js'
import { findPackage } from '../../lib/nms/v4/package.js'
import type { NmsInstance, NmsSession } from '../../lib/nms/v4/shapes.js'
import type { Options } from '../../lib/options/options.js'
import { HOST_PACKAGE } from './hosts.js'
import type { Inside } from './server.js'
import type { Failure, NmsEvent, Order, Ports, Report, Start } from './server-messages.js'

type Nms = NmsInstance & { on: (event: string, listener: (session: NmsSession) => void) => void }

const require = createRequire(import.meta.url)
const NodeMediaServer = require(HOST_PACKAGE) as new (config: object) => Nms
const EVENTS: readonly NmsEvent['event'][] = [
  'prePlay', 'postPlay', 'donePlay', 'prePublish', 'postPublish', 'donePublish', 'postRecord', 'doneRecord'
]
/** How long a stopped server may take to let its process end, in milliseconds. */
const LEAVING_MS = 5000

// What the test sends was compiled by esbuild, which names functions by this helper.
Object.assign(globalThis, { __name: (named: unknown) => named })

const tell = (report: Report): void => { if (process.connected) process.send?.(report) }

const failure = (thrown: unknown): Failure => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const { code } = error as NodeJS.ErrnoException
  return { name: error.name, message: error.message, ...(code === undefined ? {} : { code }), ...(error.stack === undefined ? {} : { stack: error.stack }) }
}

const serversOf = ({ rtmpServer, httpServer }: NmsInstance): [keyof Ports, Server | undefined][] => [
  ['rtmp', rtmpServer.tcpServer], ['rtmps', rtmpServer.tlsServer], ['http', httpServer.httpServer],
  ['https', httpServer.httpsServer]
]

/** NMS takes a port of 0 for none, so it is told another and listens on one that is free all the same. */
const listenAnywhere = (server: Server): void => {
  server.listen = function (this: Server, _port: unknown, host: string, listening?: () => void) {
    delete (server as Partial<Server>).listen
    return server.listen(0, host, listening)
  } as Server['listen']
}

const reportEvents = (nms: Nms): void => {
  for (const event of EVENTS) {
    nms.on(event, ({ id, ip, protocol, streamPath, streamQuery }) =>
      tell({ is: 'nms', event: { event, id, ip, protocol, streamPath, streamQuery, at: Date.now() } }))
  }
}

const reportHandle = (handle: HttpAuth): HttpAuth => handle
  .on('verdict', (request, verdict) => tell({ is: 'verdict', decided: { request, verdict, at: Date.now() } }))
  .on('unavailable', (outage) => tell({ is: 'unavailable', outage }))
  .on('session', (event, session) => tell({ is: 'session', event, session }))

const start = async ({ config, options, attach }: Start): Promise<Inside> => {
  const nms = new NodeMediaServer(config)
  reportEvents(nms)
  const { context, load } = findPackage(nms)
  const inside: Inside = {
    nms, context, load, require, httpAuth, state: {}, auth: undefined,
    attach: (own: Options | false | null = options) => {
      inside.auth = reportHandle(own === null ? httpAuth(nms) : httpAuth(nms, own))
      return inside.auth
    }
  }
  const servers = serversOf(nms).flatMap(([name, server]) => server === undefined ? [] : [[name, server] as const])
  for (const [, server] of servers) listenAnywhere(server)
  const listening = Promise.all(servers.map(([, server]) => once(server, 'listening')))
  if (attach === 'before-run') inside.attach()
  await Promise.all([nms.run(), listening])
  if (attach === 'after-run') inside.attach()
  tell({ is: 'started', ports: Object.fromEntries(servers.map(([name, server]) => [name, (server.address() as AddressInfo).port])) })
  return inside
}

const evaluate = (inside: Inside, source: string, argument: unknown): unknown =>
  (runInThisContext(`(${source})`) as (inside: Inside, argument: unknown) => unknown)(inside, argument)

const stop = async ({ nms }: Inside): Promise<void> => {
  await nms.stop()
  setTimeout(() => {
    process.stderr.write(`the stopped server still holds: ${process.getActiveResourcesInfo().join(', ')}\n`)
    process.exit(3)
  }, LEAVING_MS).unref()
  process.off('disconnect', abandoned)
  process.disconnect()
}

const abandoned = (): void => { process.exit(4) }
process.on('disconnect', abandoned)

let running: Promise<Inside> | undefined
process.on('message', (order: Order) => {
  switch (order.is) {
    case 'start':
      running = start(order.start)
      running.catch((error: unknown) => tell({ is: 'failed', error: failure(error) }))
      return
    case 'evaluate':
      running?.then((inside) => evaluate(inside, order.source, order.argument)).then(
        (value) => tell({ is: 'evaluated', id: order.id, value }),
        (error: unknown) => tell({ is: 'evaluated', id: order.id, error: failure(error) }))
      return
    case 'stop':
      void running?.then(stop)
  }
})
tell({ is: 'ready' })
