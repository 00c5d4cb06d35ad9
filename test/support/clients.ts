import type { Action, Protocol } from '../../lib/access/request.js'
import { RawHttp, statusOf, type FlvClient } from './flv-clients.js'
import type { MediaMessage } from './media.js'
import { IS_V2 } from './hosts.js'
import { openFlvClient } from './open-flv-client.js'
import { RawWebSocket } from './raw-websocket.js'
import { RtmpClient } from './rtmp-client.js'
import type { Ports } from './server.js'
import { until } from './waiting.js'

/** RTMP's message that says how much has come. */
const ACKNOWLEDGEMENT = 3

/** A protocol and the way that it is spoken; HTTPS-FLV is spoken in two. */
export type Speech = Exclude<Protocol, 'hls' | 'dash' | 'file'> | 'https-flv over HTTP/2'

/** Those that the node-media-server of this run speaks: over TLS, version 2 has no HTTP/1. */
export const SPEECHES: readonly Speech[] = IS_V2
  ? ['rtmp', 'rtmps', 'http-flv', 'https-flv over HTTP/2', 'ws-flv']
  : ['rtmp', 'rtmps', 'http-flv', 'https-flv', 'https-flv over HTTP/2', 'ws-flv', 'wss-flv']

/** Those in which somebody can do something: to version 2 one publishes over RTMP alone. */
export const speechesFor = (action: Action): readonly Speech[] => action === 'publish' && IS_V2 ? SPEECHES.filter(isRtmp) : SPEECHES

export const protocolOf = (speech: Speech): Protocol => speech === 'https-flv over HTTP/2' ? 'https-flv' : speech
export const isRtmp = (speech: Speech): boolean => speech.startsWith('rtmp')

/** What a client was told at last. */
export type Told = 'yes' | 'no' | 'nothing'

/** A player or publisher of any protocol, for tests that are about all of them. */
export interface AnyClient {
  readonly speech: Speech
  readonly action: Action
  /** Resolves when the client was told yes or no, or its connection is gone. */
  readonly told: Promise<Told>
  /** The status code or the RTMP status by which it was told; `undefined` if it was not. */
  answer(): number | string | undefined
  /** Payload of audio and video that it got. */
  mediaBytes(): number
  /** When its connection (on HTTP/2 its stream) was gone in both directions; 0 if it is not. */
  closedAt(): number
  readonly closed: Promise<void>
  waitForMedia(bytes?: number): Promise<void>
  sendMedia(message: MediaMessage): void
  /**
   * Sends a little something that the protocol allows: who never closes his own side learns by
   * writing that nobody is there.
   */
  knock(): void
  close(): Promise<void>
  readonly rtmp?: RtmpClient
  readonly flv?: FlvClient
}

export interface AnyClientOptions {
  readonly ports: Ports
  readonly speech: Speech
  readonly action: Action
  /** `/app/name` */
  readonly streamPath: string
  /** Raw, without `?`. */
  readonly query?: string
  /** Never closes its own side; on HTTP/2 a player has by asking. */
  readonly stubborn?: boolean
  readonly userAgent?: string
  /** Further headers, of HTTP and WebSocket. */
  readonly headers?: Readonly<Record<string, string>>
  /** Another address of this machine, such as 127.0.0.2, to be another client. */
  readonly from?: string
}

/** What the path is that the backend is told. */
export const pathOf = (speech: Speech, streamPath: string): string => isRtmp(speech) || speech.startsWith('ws') ? streamPath : `${streamPath}.flv`

/** Opens a client and has it ask; waits for no answer. */
export const openClient = async (options: AnyClientOptions): Promise<AnyClient> =>
  isRtmp(options.speech) ? openRtmp(options) : openFlv(options)

const openRtmp = async ({ ports, speech, action, streamPath, query = '', stubborn = false, userAgent, from }: AnyClientOptions): Promise<AnyClient> => {
  const [, app = '', name = ''] = streamPath.split('/')
  const rtmp = await RtmpClient.connected({
    port: speech === 'rtmps' ? ports.rtmps : ports.rtmp, tls: speech === 'rtmps', app, stubborn, ...(from && { localAddress: from }), ...(userAgent === undefined ? {} : { flashVer: userAgent })
  })
  if (action === 'publish') rtmp.setChunkSize(4096)
  rtmp[action](query === '' ? name : `${name}?${query}`)
  const yes = action === 'play' ? 'NetStream.Play.Start' : 'NetStream.Publish.Start'
  const no = action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized'
  const answer = (): string | undefined => rtmp.statuses.find((status) => status === yes || status === no)
  const told = until(() => answer() !== undefined || rtmp.wire.isClosed, () => `an answer to ${action} ${streamPath} by ${speech}`, 30_000)
    .then((): Told => answer() === yes ? 'yes' : answer() === no ? 'no' : 'nothing')
  told.catch(() => undefined)
  return {
    speech, action, told, answer, rtmp,
    mediaBytes: () => rtmp.media.bytes,
    closedAt: () => rtmp.wire.closedAt,
    closed: rtmp.wire.closed,
    waitForMedia: (bytes) => rtmp.waitForMedia(bytes),
    sendMedia: (message) => rtmp.sendMedia(message),
    knock: () => rtmp.send({ type: ACKNOWLEDGEMENT, streamId: 0, timestamp: 0, payload: Buffer.alloc(4) }),
    close: () => rtmp.close()
  }
}

const openFlv = async (options: AnyClientOptions): Promise<AnyClient> => {
  const flv = await openFlvClient(options)
  const { speech, action } = options
  let status: number | undefined
  const answered = statusOf(flv).then((code) => {
    status = code === 0 ? undefined : code
    return status
  })
  answered.catch(() => undefined)
  // A publisher over HTTP is told nothing when it may begin: NMS answers only when it ends.
  const told = answered.then((code): Told => code === undefined ? 'nothing' : code === 200 || code === 101 ? 'yes' : 'no')
  told.catch(() => undefined)
  return {
    speech, action, told, flv,
    answer: () => status,
    mediaBytes: () => flv.flv.bytes,
    closedAt: () => flv.closedAt,
    closed: flv.closed,
    waitForMedia: (bytes) => flv.waitForMedia(bytes),
    sendMedia: (message) => flv.sendMedia(message),
    knock: () => {
      if (flv instanceof RawWebSocket) flv.sendPong()
      else if (action === 'publish') flv.send(Buffer.from([0]))
      // Line ends are skipped before a request that does not follow (RFC 9112, 2.2).
      else if (flv instanceof RawHttp) flv.wire.write('\r\n')
    },
    close: () => flv.close()
  }
}

/** Knocks until the connection of a client (on HTTP/2 its stream) is gone in both directions. */
export const untilGone = async (client: AnyClient): Promise<void> => {
  const knocking = setInterval(() => client.knock(), 20)
  try {
    await until(() => client.closedAt() > 0, () => `the connection of a ${client.speech} client is gone (${client.action})`)
  } finally {
    clearInterval(knocking)
  }
}
