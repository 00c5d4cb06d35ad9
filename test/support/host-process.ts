/** What differs between the versions of node-media-server in the process of a test server. */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Server, type AddressInfo } from 'node:net'
import { findPackage } from '../../lib/nms/v4/package.js'
import { findLoaded } from '../../lib/nms/package.js'
import { openPackage } from '../../lib/nms/v2/package.js'
import type { NmsInstance as NmsV2, NmsRtmpSession } from '../../lib/nms/v2/shapes.js'
import type { NmsContext, NmsInstance, NmsSession } from '../../lib/nms/v4/shapes.js'
import { HOST_PACKAGE, IS_V2 } from './hosts.js'
import type { NmsEvent, Ports } from './server-messages.js'

/** What tests look at, or do, inside NMS, whatever its version. */
export interface Look {
  /** Paths of the streams that NMS keeps. */
  streams(): string[]
  /** The id of the session that publishes a stream; empty if none does. */
  publisher(streamPath: string): string
  /** How many play a stream. */
  players(streamPath: string): number
  /** Ends a session as NMS itself does. */
  end(id: string): void
  /** NMS's servers, once it runs. */
  servers(): Readonly<Record<keyof Ports, Server | undefined>>
}

/** A server that is built and not yet run. */
export interface Built {
  readonly nms: NmsInstance
  /** NMS's state; of version 2 its own. */
  readonly context: NmsContext
  readonly load: (module: string) => unknown
  readonly look: Look
  /** Calls for each event of NMS's. */
  onEvents(listener: (event: NmsEvent) => void): void
  /** Runs it on ports that are free. */
  run(): Promise<Partial<Ports>>
}

const NodeMediaServer = createRequire(import.meta.url)(HOST_PACKAGE) as new (config: object) => unknown
const EVENTS: readonly NmsEvent['event'][] = [
  'prePlay', 'postPlay', 'donePlay', 'prePublish', 'postPublish', 'donePublish', 'postRecord', 'doneRecord'
]

/** NMS takes a port of 0 for none, so it is told another and listens on one that is free all the same, of the address it names or 127.0.0.1. */
const listenAnywhere = async (run: () => unknown, servers: () => [keyof Ports, Server | undefined][]): Promise<Partial<Ports>> => {
  const { listen } = Server.prototype
  const anywhere = listen as (this: Server, port: number, host: string, listening: unknown) => Server
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    const address = args.find((argument) => typeof argument === 'string') ?? '127.0.0.1'
    return anywhere.call(this, 0, address, args.find((argument) => typeof argument === 'function'))
  } as typeof listen
  try {
    const ran = run()
    const there = servers().flatMap(([name, server]) => server === undefined ? [] : [[name, server] as const])
    await Promise.all([ran, ...there.map(([, server]) => server.listening ? undefined : once(server, 'listening'))])
    return Object.fromEntries(there.map(([name, server]) => [name, (server.address() as AddressInfo).port]))
  } finally {
    Server.prototype.listen = listen
  }
}

const buildV4 = (config: object): Built => {
  const nms = new NodeMediaServer(config) as NmsInstance & { on: (event: string, listener: (session: NmsSession) => void) => void }
  const { rtmpServer, httpServer } = nms
  const { context, load } = findPackage(nms)
  return {
    nms, context, load,
    look: {
      streams: () => [...context.broadcasts.keys()],
      publisher: (streamPath) => context.broadcasts.get(streamPath)?.publisher?.id ?? '',
      players: (streamPath) => context.broadcasts.get(streamPath)?.subscribers.size ?? 0,
      end: (id) => { context.sessions.get(id)?.close() },
      servers: () => ({ rtmp: rtmpServer.tcpServer, rtmps: rtmpServer.tlsServer, http: httpServer.httpServer, https: httpServer.httpsServer })
    },
    onEvents(listener) {
      for (const event of EVENTS) {
        nms.on(event, ({ id, ip, protocol, streamPath, streamQuery }) => listener({ event, id, ip, protocol, streamPath, streamQuery, at: Date.now() }))
      }
    },
    run: () => listenAnywhere(() => nms.run(), () => [
      ['rtmp', rtmpServer.tcpServer], ['rtmps', rtmpServer.tlsServer], ['http', httpServer.httpServer], ['https', httpServer.httpsServer]
    ])
  }
}

type Sections = Readonly<Record<string, { readonly root?: string, readonly ffmpeg?: string } | undefined>>

/** The config of a version 4 as version 2 has it; sections that only it knows stay. */
const configV2 = (config: Sections): object => {
  const { rtmp, rtmps, http, https, static: files, auth, httpAuth, trans, relay, fission } = config
  return {
    logType: 3,
    ...(rtmp && { rtmp: { chunk_size: 60_000, gop_cache: true, ping: 30, ping_timeout: 60, ...rtmp, ...(rtmps && { ssl: rtmps }) } }),
    ...(http && { http: { allow_origin: '*', mediaroot: files?.root ?? 'media', ...http } }),
    ...(https && { https }),
    ...Object.fromEntries(Object.entries({ auth, httpAuth, trans, relay, fission }).filter(([, section]) => section !== undefined))
  }
}

const buildV2 = (config: object): Built => {
  const own = configV2(config as Sections) as { rtmp?: { port: number }, trans?: object, relay?: object, fission?: object }
  const nms = new NodeMediaServer(own) as NmsV2 & { on: (event: string, listener: (id: string, streamPath: string, args: unknown) => void) => void }
  const { context, load } = openPackage(findLoaded(nms))
  return {
    nms: nms as unknown as NmsInstance, context: context as unknown as NmsContext, load,
    look: {
      streams: () => [...context.publishers.keys()],
      publisher: (streamPath) => context.publishers.get(streamPath) ?? '',
      players: (streamPath) => (context.sessions.get(context.publishers.get(streamPath) ?? '') as NmsRtmpSession | undefined)?.players.size ?? 0,
      end: (id) => { context.sessions.get(id)?.stop() },
      servers: () => ({ rtmp: nms.nrs?.tcpServer, rtmps: nms.nrs?.tlsServer, http: nms.nhs?.httpServer, https: nms.nhs?.httpsServer })
    },
    onEvents(listener) {
      for (const event of EVENTS) {
        nms.on(event, (id, streamPath, streamQuery) => {
          const session = context.sessions.get(id) as { ip?: string, TAG?: string, socket?: { remotePort?: number }, req?: { socket?: { remotePort?: number } } } | undefined
          const port = session?.socket?.remotePort ?? session?.req?.socket?.remotePort ?? 0
          const protocol = session?.TAG?.replace(/^(?:http|websocket)-/, '') ?? ''
          listener({ event, id, ip: `${session?.ip ?? ''}:${port}`, protocol, streamPath, streamQuery, at: Date.now() })
        })
      }
    },
    async run() {
      // What NMS would swallow has to be seen; its transmuxer always begins with one.
      const before = process.listeners('uncaughtException')
      const ports = await listenAnywhere(() => nms.run(), () => [
        ['rtmp', nms.nrs?.tcpServer], ['rtmps', nms.nrs?.tlsServer], ['http', nms.nhs?.httpServer], ['https', nms.nhs?.httpsServer]
      ])
      await new Promise((resolve) => setImmediate(resolve))
      for (const listener of process.listeners('uncaughtException')) if (!before.includes(listener)) process.off('uncaughtException', listener)
      if (own.rtmp !== undefined && ports.rtmp !== undefined) own.rtmp.port = ports.rtmp
      return ports
    }
  }
}

/** Builds a server of the version that this run of the tests is about. */
export const build = IS_V2 ? buildV2 : buildV4
