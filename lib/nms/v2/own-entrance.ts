import { createServer, type AddressInfo, type Socket } from 'node:net'
import { safely } from '../../safely.js'
import { trace } from '../../trace.js'
import type { RtmpFront } from '../host.js'
import { end, handleOf, receptionOf } from './rtmp-front.js'
import type { Setting } from './setting.js'
import type { NmsConfig, NmsInstance } from './shapes.js'

const debug = trace('nms')

/** Whether this config makes NMS start ffmpeg processes that connect to its own RTMP server. */
const startsOwnClients = ({ trans, relay, fission }: NmsConfig): boolean => [trans, relay, fission].some(Boolean)

/**
 * A separate port for NMS's own ffmpeg processes. No proxy connects here, so no PROXY header is expected and no address
 * belongs to a proxy; every connection needs a secret, and while this port is open secrets are valid nowhere else.
 *
 * @returns a function that closes it; existing connections continue
 */
export const openOwnEntrance = ({ nrs, config }: NmsInstance, setting: Setting, front: RtmpFront): () => void => {
  if (nrs === undefined || !startsOwnClients(config)) return () => undefined
  const { own } = setting
  const { accepted, ready } = receptionOf(handleOf(nrs.tcpServer, 'connection'), { by: 'own entrance' }, setting, front)
  const server = createServer(safely(end, (socket: Socket) => {
    accepted(socket)
    ready(socket)
  }))
  server.on('error', safely(undefined, (error: Error) => debug('no entrance for own ffmpegs: %s', error.message)))
  server.listen(0, '127.0.0.1', safely(undefined, () => { own.entrance = (server.address() as AddressInfo).port }))
  server.unref()
  return () => {
    own.entrance = undefined
    server.close()
  }
}
