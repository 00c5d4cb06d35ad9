import { checkAll, hasFunctions, isFunction, isMap, isUntouched, type Assumption } from '../common/assumption.js'
import type { NmsPackage } from './package.js'
import type { NmsBroadcast, NmsFlv, NmsInstance, NmsRtmpSession } from './shapes.js'

/** An RTMP session as NMS creates one for a connection; creating it has no side effects. */
const probeSession = ({ load }: NmsPackage): NmsRtmpSession => {
  const RtmpSession = load('session/rtmp_session.js') as new (socket: object) => NmsRtmpSession
  return new RtmpSession({ remoteAddress: '127.0.0.1', remotePort: 1 })
}

/** Everything this room assumes about the inside of node-media-server 4. */
export const ASSUMPTIONS: readonly Assumption<NmsInstance, NmsPackage>[] = [
  {
    name: 'Context has sessions, broadcasts, eventEmitter, networkStats and config',
    reliedOnBy: 'nms/v4/guard, nms/v4/hooks, nms/v4/viewer, nms/v4/rtmp-peer',
    holds: (_, { context }) => isMap(context.sessions) && isMap(context.broadcasts) &&
      isFunction(context.eventEmitter?.prependListener) && typeof context.networkStats?.inBytes === 'number' &&
      typeof context.config === 'object' && context.config !== null
  },
  {
    name: 'nobody else has replaced Context.sessions.set or Context.broadcasts.set',
    reliedOnBy: 'nms/v4/guard, nms/v4/rtmp-front',
    holds: (_, { context }) => isUntouched(context.sessions, 'set') && isUntouched(context.broadcasts, 'set')
  },
  {
    name: 'every RTMP server has exactly rtmpServer.handleRequest as its connection listener',
    reliedOnBy: 'nms/v4/rtmp-front',
    holds: (nms) => isFunction(nms.rtmpServer.handleRequest) &&
      (nms.rtmpServer.tcpServer?.listeners('connection').includes(nms.rtmpServer.handleRequest) ?? true) &&
      (nms.rtmpServer.tlsServer?.listeners('secureConnection').includes(nms.rtmpServer.handleRequest) ?? true)
  },
  {
    name: 'every HTTP server has a request and an upgrade listener, both there from the constructor on',
    reliedOnBy: 'nms/common/http-front',
    holds: (nms) => [nms.httpServer.httpServer, nms.httpServer.httpsServer].every((server) =>
      server === undefined || (server.listenerCount('request') > 0 && server.listenerCount('upgrade') > 0))
  },
  {
    name: 'an RTMP session has its own handlers onData and onClose, its ip is address:port, and its protocol is rtmp',
    reliedOnBy: 'nms/v4/rtmp-peer',
    holds: (_, nmsPackage) => {
      const session = probeSession(nmsPackage)
      return hasFunctions(session, 'onData', 'onClose', 'onPacket', 'sendBuffer', 'close', 'run') &&
        session.ip === '127.0.0.1:1' && session.protocol === 'rtmp' && !session.taskKey && session.id.length >= 12
    }
  },
  {
    name: 'the RTMP parser looks its handlers onConnect, onPlay, onPublish, onDeleteStream, respondPublish, chunkMessageHeaderRead, packetAlloc and packetHandler up on itself at every call',
    reliedOnBy: 'nms/v4/rtmp-peer',
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
    name: 'the FLV parser looks parserTagAlloc up on itself for each piece of a tag, and keeps the tag in parserTagData',
    reliedOnBy: 'nms/v4/flv-parser',
    holds: (_, { load }) => {
      const Flv = load('protocol/flv.js') as new () => NmsFlv
      const flv = new Flv()
      return isFunction(flv.parserTagAlloc) && !Object.hasOwn(flv, 'parserTagAlloc') && Buffer.isBuffer(flv.parserTagData) && flv.parserTagData.length === flv.parserTagCapacity &&
        [flv.parserTagType, flv.parserTagBytes].every((field) => typeof field === 'number')
    }
  },
  {
    name: 'a broadcast has its own postPlay and postPublish, one publisher slot and a map of subscribers',
    reliedOnBy: 'nms/v4/guard',
    holds: (_, { load }) => {
      const Broadcast = load('server/broadcast_server.js') as new (streamPath: string) => NmsBroadcast
      const broadcast = new Broadcast('')
      return Object.hasOwn(broadcast, 'postPlay') && Object.hasOwn(broadcast, 'postPublish') &&
        hasFunctions(broadcast, 'postPlay', 'postPublish', 'donePlay', 'donePublish', 'broadcastMessage') && broadcast.flvGopCache === null && broadcast.rtmpGopCache === null && broadcast.publisher === null && isMap(broadcast.subscribers)
    }
  },
  {
    name: 'run() and stop() are methods',
    reliedOnBy: 'nms/v4/attach, register',
    holds: (nms) => isFunction(nms.run) && isFunction(nms.stop)
  }
]

/** @throws HttpAuthError ERR_HOST_UNSUPPORTED, naming the version needed or the first assumption that fails */
export const check = (nms: NmsInstance, nmsPackage: NmsPackage): void => checkAll('v4', nms, nmsPackage, ASSUMPTIONS)
