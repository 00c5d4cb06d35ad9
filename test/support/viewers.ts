import { get, type IncomingMessage } from 'node:http'
import type { Ports, TestServer } from './server.js'

/** A viewer of HTTP-FLV. */
export interface Viewer {
  readonly status: number
  /** What a refused one was told. */
  readonly text: string
  readonly over: boolean
  /** Bytes of media that came. */
  readonly bytes: number
  close(): void
}

/** Opens a viewer; resolves once it is let in, or told all that a refused one is told. */
export const openViewer = (ports: Ports, path: string, device = 'player'): Promise<Viewer> => new Promise((resolve, reject) => {
  const request = get({ host: '127.0.0.1', port: ports.http, path, agent: false, headers: { 'User-Agent': device } }, (response: IncomingMessage) => {
    let text = ''
    const viewer = { status: response.statusCode ?? 0, text, over: false, bytes: 0, close: () => { request.destroy() } }
    response.on('data', (chunk: Buffer) => {
      if (viewer.status === 200) viewer.bytes += chunk.length
      else viewer.text = (text += chunk.toString('utf8')).trim()
    }).on('error', () => undefined)
    response.on('close', () => { viewer.over = true })
    if (viewer.status === 200) resolve(viewer)
    else response.on('end', () => resolve(viewer))
  })
  request.on('error', reject)
})

/** The devices with which a user is on these servers, as far as they run. */
export const devicesOf = async (servers: readonly TestServer[], user: string): Promise<string[]> => {
  const there = servers.filter((server) => server.running)
  const devices = await Promise.all(there.map((server) => server.evaluate(({ auth }, whose) => auth!.sessions().filter((each) => each.user === whose).map(({ userAgent }) => userAgent), user)))
  return devices.flat()
}
