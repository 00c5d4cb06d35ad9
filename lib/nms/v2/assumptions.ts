import { checkAll, hasFunctions, isFunction, isMap, isUntouched, type Assumption } from '../common/assumption.js'
import { foldersOf, folderLayers } from './media-root.js'
import type { NmsPackage } from './package.js'
import type { NmsInstance } from './shapes.js'

/**
 * Everything this room assumes about the inside of node-media-server 2.7.4, checked on the loaded package at attach.
 * What only a running server has is checked once it runs.
 */
export const ASSUMPTIONS: readonly Assumption<NmsInstance, NmsPackage>[] = [
  {
    name: 'node_core_ctx has sessions, publishers, idlePlayers, nodeEvent and stat',
    reliedOnBy: 'nms/v2',
    holds: (_, { context }) => isMap(context.sessions) && isMap(context.publishers) && context.idlePlayers instanceof Set &&
      isFunction(context.nodeEvent?.prependListener) && typeof context.stat?.outbytes === 'number'
  },
  {
    name: 'nobody else has replaced sessions.set, publishers.set, publishers.has, idlePlayers.add or nodeEvent.emit',
    reliedOnBy: 'nms/v2/guard, nms/v2/rtmp-peer',
    holds: (_, { context }) => isUntouched(context.sessions, 'set') && isUntouched(context.publishers, 'set', 'has') &&
      isUntouched(context.idlePlayers, 'add') && isUntouched(context.nodeEvent, 'emit')
  },
  {
    name: 'an RTMP session is its own parser, all of whose steps are methods of its class',
    reliedOnBy: 'nms/v2/rtmp-peer, nms/v2/rtmp-parser, nms/v2/guard',
    holds: (_, { rtmp }) => hasFunctions(rtmp.prototype, 'run', 'stop', 'reject', 'onSocketData', 'onSocketClose', 'onSocketError', 'onSocketTimeout',
      'onConnect', 'onPlay', 'onPublish', 'onStartPlay', 'onDeleteStream', 'onPause', 'onReceiveAudio', 'onReceiveVideo',
      'rtmpChunkMessageHeaderRead', 'rtmpPacketAlloc', 'rtmpHandler', 'rtmpAudioHandler', 'rtmpVideoHandler', 'rtmpDataHandler', 'sendStatusMessage')
  },
  {
    name: 'an HTTP session has the methods run, stop, reject, onPlay and onStartPlay of its class',
    reliedOnBy: 'nms/v2/guard, nms/v2/flv-session',
    holds: (_, { flv }) => hasFunctions(flv.prototype, 'run', 'stop', 'reject', 'onPlay', 'onStartPlay', 'onReqClose', 'onReqError')
  },
  {
    name: 'whatever runs an ffmpeg does so in a method run of its class',
    reliedOnBy: 'nms/v2/own-clients',
    holds: (_, { tasks }) => tasks.length === 3 && tasks.every(({ prototype }) => hasFunctions(prototype, 'run', 'end'))
  },
  {
    name: 'run() and stop() are methods, and config is an object',
    reliedOnBy: 'nms/v2/attach, preload',
    holds: (nms) => isFunction(nms.run) && isFunction(nms.stop) && typeof nms.config === 'object' && nms.config !== null
  }
]

/** Can be checked only once NMS runs. */
export const RUNNING: readonly Assumption<NmsInstance, NmsPackage>[] = [
  {
    name: 'an RTMP server has one listener of NMS\'s for connections',
    reliedOnBy: 'nms/v2/rtmp-front',
    holds: ({ nrs }) => nrs === undefined || (nrs.tcpServer.listenerCount('connection') === 1 && (nrs.tlsServer?.listenerCount('secureConnection') ?? 1) === 1)
  },
  {
    name: 'every HTTP server has a request and an upgrade listener',
    reliedOnBy: 'nms/v2/attach',
    holds: ({ nhs }) => [nhs?.httpServer, nhs?.httpsServer].every((server) =>
      server === undefined || (server.listenerCount('request') > 0 && server.listenerCount('upgrade') > 0))
  },
  {
    name: 'Express serves files from the package\'s own pages, mediaroot and webroot, in this order',
    reliedOnBy: 'nms/v2/media-root, nms/v2/dialect',
    holds: ({ nhs, config }) => nhs === undefined || folderLayers(nhs.httpServer).length === foldersOf(config)
  }
]

/** @throws HttpAuthError ERR_HOST_UNSUPPORTED, naming the version needed or the first assumption that fails */
export const check = (nms: NmsInstance, nmsPackage: NmsPackage, assumptions: readonly Assumption<NmsInstance, NmsPackage>[]): void =>
  checkAll('v2', nms, nmsPackage, assumptions)
