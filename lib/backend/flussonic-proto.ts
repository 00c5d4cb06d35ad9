import type { Protocol } from '../access/request.js'

/**
 * Flussonic's word for a protocol, as its backends get it in `proto`. It has none for FLV over HTTP and
 * WebSocket, which it does not speak: `flv` is ours. What is fetched as a file is `mp4` to it.
 */
export const FLUSSONIC_PROTO: Readonly<Record<Protocol, string>> = {
  rtmp: 'rtmp', rtmps: 'rtmp', hls: 'hls', file: 'mp4', 'http-flv': 'flv', 'https-flv': 'flv', 'ws-flv': 'flv', 'wss-flv': 'flv'
}
