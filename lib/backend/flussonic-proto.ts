import type { Protocol } from '../access/request.js'

/**
 * Flussonic's name of a protocol, as its backends get it in `proto`. It has none for FLV over HTTP and WebSocket, which it
 * does not serve: `flv` is our choice. Files are `mp4`.
 */
export const FLUSSONIC_PROTO: Readonly<Record<Protocol, string>> = {
  rtmp: 'rtmp', rtmps: 'rtmp', hls: 'hls', dash: 'dash', file: 'mp4', 'http-flv': 'flv', 'https-flv': 'flv', 'ws-flv': 'flv', 'wss-flv': 'flv'
}
