import { HttpAuthError } from '../../errors.js'
import { roomOf, unsupported } from '../supported.js'
import type { NmsPackage } from './package.js'
import type { NmsBroadcast, NmsInstance, NmsRtmpSession } from './shapes.js'

/**
 * Everything that this package takes for granted inside node-media-server. Whoever ports it to
 * another version starts here: each line is checked on the running instance at attach, has a test
 * in test/integration/assumptions.test.ts, and names who relies on it.
 */
export interface Assumption {
  readonly name: string
  readonly reliedOnBy: string
  readonly holds: (nms: NmsInstance, nmsPackage: NmsPackage) => boolean
}

const isFunction = (value: unknown): boolean => typeof value === 'function'
const isMap = (value: unknown): boolean => value instanceof Map
const hasFunctions = (value: object, ...names: string[]): boolean =>
  names.every((name) => isFunction((value as Record<string, unknown>)[name]))

/** An RTMP session as NMS makes it for a connection; making one has no side effects. */
const probeSession = ({ load }: NmsPackage): NmsRtmpSession => {
  const RtmpSession = load('session/rtmp_session.js') as new (socket: object) => NmsRtmpSession
  return new RtmpSession({ remoteAddress: '127.0.0.1', remotePort: 1 })
}

export const ASSUMPTIONS: readonly Assumption[] = [
  {
    name: 'Context has sessions, broadcasts, eventEmitter, networkStats and config',
    reliedOnBy: 'nms/guard, nms/hooks, nms/viewer, nms/rtmp-peer',
    holds: (_, { context }) => isMap(context.sessions) && isMap(context.broadcasts) &&
      isFunction(context.eventEmitter?.prependListener) && typeof context.networkStats?.inBytes === 'number' &&
      typeof context.config === 'object' && context.config !== null
  },
  {
    name: 'nobody else has replaced Context.sessions.set or Context.broadcasts.set',
    reliedOnBy: 'nms/guard, nms/rtmp-front',
    holds: (_, { context }) => !Object.hasOwn(context.sessions, 'set') && !Object.hasOwn(context.broadcasts, 'set')
  },
  {
    name: 'every RTMP server has exactly rtmpServer.handleRequest as its connection listener',
    reliedOnBy: 'nms/rtmp-front',
    holds: (nms) => isFunction(nms.rtmpServer.handleRequest) &&
      (nms.rtmpServer.tcpServer?.listeners('connection').includes(nms.rtmpServer.handleRequest) ?? true) &&
      (nms.rtmpServer.tlsServer?.listeners('secureConnection').includes(nms.rtmpServer.handleRequest) ?? true)
  },
  {
    name: 'every HTTP server has a request and an upgrade listener, both there from the constructor on',
    reliedOnBy: 'nms/http-front',
    holds: (nms) => [nms.httpServer.httpServer, nms.httpServer.httpsServer].every((server) =>
      server === undefined || (server.listenerCount('request') > 0 && server.listenerCount('upgrade') > 0))
  },
  {
    name: 'an RTMP session has its own handlers onData and onClose, its ip is address:port, and its protocol is rtmp',
    reliedOnBy: 'nms/rtmp-peer',
    holds: (_, nmsPackage) => {
      const session = probeSession(nmsPackage)
      return hasFunctions(session, 'onData', 'onClose', 'onPacket', 'sendBuffer', 'close', 'run') &&
        session.ip === '127.0.0.1:1' && session.protocol === 'rtmp' && !session.taskKey && session.id.length >= 12
    }
  },
  {
    name: 'the RTMP parser looks its handlers onConnect, onPlay, onPublish, onDeleteStream, respondPublish, chunkMessageHeaderRead, packetAlloc and packetHandler up on itself at every call',
    reliedOnBy: 'nms/rtmp-peer',
    holds: (_, nmsPackage) => {
      const { rtmp } = probeSession(nmsPackage)
      return hasFunctions(rtmp, 'onConnect', 'onPlay', 'onPublish', 'onDeleteStream', 'respondPublish', 'chunkMessageHeaderRead', 'packetAlloc', 'packetHandler', 'parserData', 'sendStatusMessage', 'onPacketCallback') &&
        ['onConnect', 'onPlay', 'onPublish', 'onDeleteStream', 'respondPublish', 'chunkMessageHeaderRead', 'packetAlloc', 'packetHandler'].every((name) => !Object.hasOwn(rtmp, name)) &&
        typeof rtmp.parserState === 'number' && typeof rtmp.inChunkSize === 'number' && isMap(rtmp.inPackets) &&
        typeof rtmp.parserPacket.bytes === 'number' && typeof rtmp.parserPacket.capacity === 'number' &&
        typeof rtmp.parserPacket.header.length === 'number' && typeof rtmp.parserPacket.header.fmt === 'number' && typeof rtmp.parserBasicBytes === 'number'
    }
  },
  {
    name: 'a broadcast has its own postPlay and postPublish, one publisher slot and a map of subscribers',
    reliedOnBy: 'nms/guard',
    holds: (_, { load }) => {
      const Broadcast = load('server/broadcast_server.js') as new (streamPath: string) => NmsBroadcast
      const broadcast = new Broadcast('')
      return Object.hasOwn(broadcast, 'postPlay') && Object.hasOwn(broadcast, 'postPublish') &&
        hasFunctions(broadcast, 'postPlay', 'postPublish', 'donePlay', 'donePublish', 'broadcastMessage') && broadcast.flvGopCache === null && broadcast.rtmpGopCache === null && broadcast.publisher === null && isMap(broadcast.subscribers)
    }
  },
  {
    name: 'run() and stop() are methods',
    reliedOnBy: 'nms/attach, register',
    holds: (nms) => isFunction(nms.run) && isFunction(nms.stop)
  }
]

/**
 * Checks every assumption.
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED with the version that is needed, or naming the first that does not hold
 */
export const check = (nms: NmsInstance, nmsPackage: NmsPackage): void => {
  if (roomOf(nmsPackage.version) !== 'v4') throw unsupported(nmsPackage.version)
  for (const assumption of ASSUMPTIONS) {
    let holds = false
    try {
      holds = assumption.holds(nms, nmsPackage)
    } catch { /* a missing field on the way is an answer, too */ }
    if (!holds) {
      throw new HttpAuthError('ERR_HOST_UNSUPPORTED',
        `node-media-server ${nmsPackage.version} cannot be guarded: its inside has changed, for ${assumption.reliedOnBy} needs that ${assumption.name}`)
    }
  }
}
