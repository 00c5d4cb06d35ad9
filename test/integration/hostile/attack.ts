import { randomBytes } from 'node:crypto'
import type { Action, Protocol } from '../../../lib/access/request.js'
import { isRtmp, protocolOf, SPEECHES, speechesFor, type Speech } from '../../support/clients.js'
import { FLV_HEADER, flvTag } from '../../support/flv.js'
import { Http2Client, openHttp2, RawHttp, type FlvClient } from '../../support/flv-clients.js'
import { mount } from '../../support/hosts.js'
import { createStream, type MediaMessage } from '../../support/media.js'
import { RtmpClient } from '../../support/rtmp-client.js'
import type { Ports } from '../../support/server.js'
import { sleep, until } from '../../support/waiting.js'

/** The ways to files. */
export type FileWay = 'hls' | 'dash' | 'file'
export const FILE_WAYS: readonly FileWay[] = ['hls', 'dash', 'file']
/** Every way in: live streams, HLS, DASH and other files. */
export type Way = Speech | FileWay
export const WAYS: readonly Way[] = [...SPEECHES, ...FILE_WAYS]

export const isFile = (way: Way): way is FileWay => (FILE_WAYS as readonly Way[]).includes(way)
export const protocolOfWay = (way: Way): Protocol => isFile(way) ? way : protocolOf(way)
/** What can be done in a way: nobody publishes files over HTTP. */
export const actionsOf = (way: Way): readonly Action[] => isFile(way) || !speechesFor('publish').includes(way) ? ['play'] : ['play', 'publish']

/** Stands in every file that is protected. */
export const PROTECTED = 'protected content'
/** Where the arena serves its folder `media`. */
export const MEDIA = mount('/media')
/** Where in it each kind of file is. */
export const fileOf = (way: FileWay, app = 'live', name = 'target'): string => `${MEDIA}/${app}/${name}/${{ hls: 'index.m3u8', dash: 'index.mpd', file: 'recording.mp4' }[way]}`
/** What stands in it. */
export const contentOf = (way: FileWay): string => ({ hls: `#EXTM3U\n# ${PROTECTED}\n`, dash: `<MPD><!-- ${PROTECTED} --></MPD>`, file: PROTECTED })[way]

/** What a hostile client says, in words that each protocol has its own place for. */
export interface Shape {
  readonly action: Action
  /** Default `live` and `target`, a stream that others publish and watch. */
  readonly app?: string
  readonly name?: string
  /** Behind the first `?`, as it is. */
  readonly query?: string
  readonly userAgent?: string
  /** The host of `tcUrl`, of `Host` or of `:authority`. */
  readonly host?: string
  /** Header lines besides; for RTMP fields of the `connect` command. */
  readonly headers?: readonly string[]
  /** The whole target of an HTTP request, instead of app, name and query. */
  readonly target?: string
  readonly localAddress?: string
}

/** What became of a client that must not get in. */
export interface Outcome {
  readonly way: Way
  readonly shape: Shape
  /** What it was told: an HTTP status, an RTMP status code; `undefined` if it was just cut. */
  readonly answer: number | string | undefined
  readonly mediaBytes: number
  readonly gone: boolean
}

/** Answers by which a client would be in. */
export const YES: ReadonlySet<unknown> = new Set([200, 101, 'NetStream.Play.Start', 'NetStream.Publish.Start'])

/** Media that no publisher of the tests sends. */
const ALIEN = createStream({ luma: 200, gop: 1 })

/** A stream's beginning as an attacker sends it, without waiting to be let in. */
export const alienMedia = (): readonly MediaMessage[] => [...ALIEN.opening, ...ALIEN.frame(0), ...ALIEN.frame(1)]

const maskedFrame = (payload: Buffer): Buffer => {
  const mask = randomBytes(4)
  const head = Buffer.alloc(4)
  head.writeUInt8(0x82, 0)
  head.writeUInt8(0x80 | 126, 1)
  head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))])
}

const alienFlv = (): Buffer => Buffer.concat([FLV_HEADER, ...alienMedia().map(flvTag)])

/** How long a client is watched after it was told no: whatever leaks comes at once. */
const WATCH_MS = 60
/** A refused client must be gone within a second; the machine may be busy. */
const GONE_MS = 5000

/** Has one hostile client ask, and send media without waiting, and sees what becomes of it. */
export const attack = (ports: Ports, way: Way, shape: Shape): Promise<Outcome> => isFile(way) ? attackFile(ports, way, shape) : attackLive(ports, way, shape)

const attackFile = async (ports: Ports, way: FileWay, shape: Shape): Promise<Outcome> => {
  const { target, app, name, query } = shape
  const whole = target ?? `${fileOf(way, app, name)}${query === undefined ? '' : `?${query}`}`
  const client = await openHttp(ports, 'http-flv', { ...shape, target: whole })
  const answer = await answerOf(client, `${way} ${whole}`)
  // Who asks for what is not there is told so by Express, which keeps the connection.
  const gone = answer === 404 || await isGone(() => client.closedAt > 0, () => { if (client instanceof RawHttp) client.wire.write('x') })
  await client.close()
  const text = client.text()
  return { way, shape, answer, mediaBytes: text.includes(PROTECTED) ? text.length : 0, gone }
}

const attackLive = (ports: Ports, speech: Speech, shape: Shape): Promise<Outcome> =>
  isRtmp(speech) ? attackRtmp(ports, speech, shape) : attackHttp(ports, speech, shape)

const attackRtmp = async (ports: Ports, speech: Speech, shape: Shape): Promise<Outcome> => {
  const { action, app = 'live', name = 'target', query, userAgent, host = '127.0.0.1', headers = [], localAddress } = shape
  const tls = speech === 'rtmps'
  const client = await RtmpClient.open({
    port: tls ? ports.rtmps : ports.rtmp, tls, app, stubborn: true, tcUrl: `${speech}://${host}/${app}`,
    ...(localAddress === undefined ? {} : { localAddress })
  })
  const fields = Object.fromEntries(headers.map((line) => [line.split(':', 1)[0] ?? '', line.split(': ')[1] ?? '']))
  await client.handshake()
  client.wire.write(client.connectBytes({ ...fields, ...(userAgent === undefined ? {} : { flashVer: userAgent }) }))
  client.command('createStream', 2, [null])
  client.setChunkSize(4096)
  client[action](query === undefined ? name : `${name}?${query}`)
  for (const message of alienMedia()) client.sendMedia(message)
  const told = (): string | undefined => client.statuses.find((status) => /^NetStream\.(?:Play|Publish)\.(?:Start|Failed|Unauthorized)$/.test(status))
  await until(() => told() !== undefined || client.wire.endedAt > 0 || client.wire.isClosed, () => `${speech} ${JSON.stringify(shape)} is told something or cut`)
  await lateMedia(() => { for (const message of alienMedia()) client.sendMedia(message) })
  const gone = await isGone(() => client.wire.isClosed, () => client.wire.write('x'))
  await client.close()
  return { way: speech, shape, answer: told(), mediaBytes: client.media.bytes, gone }
}

/** The status that a client was told; `undefined` if it was just cut, also if it does not close its own side then. */
const answerOf = async (client: FlvClient, who: string): Promise<number | undefined> => {
  let status = 0
  void client.status.then((told) => { status = told })
  await until(() => status > 0 || client.closedAt > 0 || (client instanceof RawHttp && client.wire.endedAt > 0), () => `${who} is told something or cut`)
  return status > 0 ? status : undefined
}

/** Goes on sending for a moment after the answer. */
const lateMedia = async (send: () => void): Promise<void> => {
  send()
  await sleep(WATCH_MS)
}

/** Whether a connection that its client does not close is cut by the server; only who sends notices that. */
const isGone = async (closed: () => boolean, send: () => void): Promise<boolean> => {
  const end = Date.now() + GONE_MS
  while (!closed() && Date.now() < end) {
    send()
    await sleep(25)
  }
  return closed()
}

/** Text as HTTP carries it: what is no single byte goes as UTF-8. */
const wireText = (text: string): string => /[^\0-\xff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text

const targetOf = (speech: Speech, { app = 'live', name = 'target', query, target }: Shape): string =>
  target ?? `/${app}/${name}${speech.startsWith('ws') ? '' : '.flv'}${query === undefined ? '' : `?${query}`}`

const openHttp = async (ports: Ports, speech: Speech, shape: Shape): Promise<FlvClient> => {
  const { action, userAgent, headers = [], localAddress } = shape
  const publishes = action === 'publish'
  const target = wireText(targetOf(speech, shape))
  if (speech === 'https-flv over HTTP/2') {
    const lines = headers.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.split(': ')[1] ?? ''] as const)
    const own = Object.fromEntries(lines.filter(([name]) => name !== 'connection'))
    const session = openHttp2(ports.https)
    try {
      const client = new Http2Client({
        session, port: ports.https, target, publishes,
        headers: { ...own, ...(shape.host === undefined ? {} : { ':authority': shape.host }), ...(userAgent === undefined ? {} : { 'user-agent': userAgent }) }
      })
      client.stream.once('close', () => session.destroy())
      return client
    } catch (error) {
      session.destroy()
      throw error
    }
  }
  const tls = speech === 'https-flv' || speech === 'wss-flv'
  const port = tls ? ports.https : ports.http
  const { host = `127.0.0.1:${port}` } = shape
  const webSocket = speech.startsWith('ws')
  const lines = webSocket ? RawHttp.upgradeHeaders(port, publishes ? 'post' : undefined) : ['Host: ']
  return RawHttp.open({
    port, tls, target, publishes: publishes && !webSocket, stubborn: true,
    ...(webSocket ? { method: 'GET' } : {}),
    headers: [...lines.map((line) => line.startsWith('Host: ') ? `Host: ${wireText(host)}` : line), ...(userAgent === undefined ? [] : [`User-Agent: ${wireText(userAgent)}`]), ...headers],
    ...(localAddress === undefined ? {} : { localAddress })
  })
}

const attackHttp = async (ports: Ports, speech: Speech, shape: Shape): Promise<Outcome> => {
  const client = await openHttp(ports, speech, shape).catch((error: NodeJS.ErrnoException) => {
    // An HTTP/2 client does not even send some of this.
    if (/^ERR_(?:HTTP2_)?INVALID/.test(error.code ?? '')) return undefined
    throw error
  })
  if (client === undefined) return { way: speech, shape, answer: undefined, mediaBytes: 0, gone: true }
  const send = (): void => {
    if (speech.startsWith('ws')) (client as RawHttp).wire.write(maskedFrame(alienFlv()))
    else if (shape.action === 'publish') client.send(alienFlv())
  }
  send()
  const answer = await answerOf(client, `${speech} ${JSON.stringify(shape)}`)
  await lateMedia(send)
  const gone = await isGone(() => client.closedAt > 0, () => { if (client instanceof RawHttp) client.wire.write('x') })
  await client.close()
  return { way: speech, shape, answer, mediaBytes: client.flv.bytes, gone }
}
