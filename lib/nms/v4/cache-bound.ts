import { MAX_CACHE_BYTES } from '../../access/bounds.js'
import type { NmsBroadcast } from './shapes.js'

/** NMS's flag of a packet that starts a group of pictures. */
const KEYFRAME = 3
/** Flags of the packets that NMS adds to the group: audio and other frames. */
const CACHED = new Set([1, KEYFRAME, 4])

/**
 * Limits the bytes that NMS caches of a stream for new players: it keeps 4,096 messages of any size, once for FLV and
 * once for RTMP. Above the bound both caches are dropped, and new players wait for the next keyframe.
 *
 * @returns a function that removes the bound
 */
export const boundCache = (broadcast: NmsBroadcast, maxBytes = MAX_CACHE_BYTES): () => void => {
  const { broadcastMessage } = broadcast
  let bytes = 0
  broadcast.broadcastMessage = (packet) => {
    broadcastMessage(packet)
    if (!CACHED.has(packet.flags)) return
    bytes = (packet.flags === KEYFRAME ? 0 : bytes) + 2 * packet.size
    if (bytes <= maxBytes) return
    bytes = 0
    broadcast.flvGopCache = null
    broadcast.rtmpGopCache = null
  }
  return () => { broadcast.broadcastMessage = broadcastMessage }
}
