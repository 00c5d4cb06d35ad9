import { pathOf, type AnyClientOptions } from './clients.js'
import { Http2Client, RawHttp, WebSocketClient, type FlvClient } from './flv-clients.js'
import { RawWebSocket } from './raw-websocket.js'

/** Opens the client of HTTP-FLV or WebSocket-FLV that can do what is asked of it. */
export const openFlvClient = async ({ ports, speech, action, streamPath, query = '', stubborn = false, userAgent, headers = {}, from }: AnyClientOptions): Promise<FlvClient> => {
  const path = pathOf(speech, streamPath)
  const target = query === '' ? path : `${path}?${query}`
  const publishes = action === 'publish'
  const all = { ...headers, ...(userAgent !== undefined && { 'user-agent': userAgent }) }
  if (speech === 'https-flv over HTTP/2') {
    return new Http2Client({ port: ports.https, target, publishes, headers: all, ...(from && { localAddress: from }) })
  }
  const tls = speech === 'https-flv' || speech === 'wss-flv'
  const port = tls ? ports.https : ports.http
  const raw = { port, tls, target, stubborn, ...(from && { localAddress: from }) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  if (speech === 'http-flv' || speech === 'https-flv') {
    return RawHttp.open({ ...raw, publishes, headers: [`Host: 127.0.0.1:${port}`, ...lines] })
  }
  const protocol = publishes ? { protocol: 'post' } : {}
  return stubborn || from !== undefined
    ? RawWebSocket.open({ ...raw, ...protocol, headers: lines })
    : new WebSocketClient({ port, tls, target, headers: all, ...protocol })
}
