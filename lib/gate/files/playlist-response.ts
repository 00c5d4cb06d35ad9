import { hash } from 'node:crypto'
import type { Version } from '../../hls/playlists.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { answerConditionally } from './conditional.js'
import { sendPart } from './playlist-body.js'

export interface PlaylistRewriting {
  /** Neither the file nor what a client gets may be longer. */
  readonly maxBytes: number
  /** What every link gets. */
  readonly query: string
  /** The version of the file that was read last. */
  readonly last: Version | undefined
  /** Compiles a version of the file. */
  readonly compile: (source: Buffer, contentType: string, fileTag: string | undefined) => Version
  /** Told of what is sent, which waits for what it returns. */
  readonly onVersion: (version: Version) => Promise<unknown> | undefined
  /** Answers in the place of Express, whose answer is not fit to be sent. */
  readonly refuse: (status: number, reason: string) => void
  readonly forward: () => void
}

/** What concerns the file as Express knows it, and not the text that the client gets. */
const KEPT_FROM_EXPRESS = ['range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'cache-control']

/** A file that has changed within this time may change again and still look the same: its date is not fine enough. In milliseconds. */
const YOUNG_MS = 3000

type Write = (chunk: unknown, ...rest: unknown[]) => boolean
type End = (...args: unknown[]) => HttpResponse

/**
 * Has Express answer a request for a playlist, and sends its text rewritten. Express is asked for
 * the whole file, unless the last version is still good; ranges and conditions are answered here,
 * on the text that the client knows. Whatever is not a playlist that was found is sent as Express
 * made it.
 */
export const answerPlaylist = (req: HttpRequest, res: HttpResponse, rewriting: PlaylistRewriting): void => {
  const { maxBytes, query, last, compile, onVersion, refuse, forward } = rewriting
  const { method } = req
  const conditions = { ...req.headers }
  const askedAt = Date.now()
  for (const name of KEPT_FROM_EXPRESS) if (name in conditions) delete req.headers[name]
  if (last?.fileTag !== undefined) req.headers['if-none-match'] = last.fileTag
  const input = req as { method?: string }
  input.method = 'GET'

  const output = res as unknown as { write?: Write, end?: End, socket?: unknown }
  // Of a HEAD request on HTTP/2 the stream is ended from the start, and Express would read no file for it.
  const looksEnded = method === 'HEAD' && 'stream' in res
  if (looksEnded) Object.defineProperty(res, 'socket', { value: undefined, configurable: true })
  let chunks: Buffer[] = []
  let bytes = 0
  /** Express's answer is no longer listened to. */
  let over = false

  const restore = (): void => {
    over = true
    chunks = []
    delete output.write
    delete output.end
    if (looksEnded) delete output.socket
    input.method = method ?? 'GET'
  }
  const reject = (reason: string): void => {
    restore()
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    refuse(500, reason)
    // What Express still reads has nowhere to go.
    output.write = () => true
    output.end = () => res
  }
  const take = (chunk: unknown, encoding: unknown): void => {
    if (chunk === undefined || chunk === null || typeof chunk === 'function') return
    const part = typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding as BufferEncoding : 'utf8') : chunk as Buffer
    bytes += part.length
    if (bytes > maxBytes) reject(`the playlist has more than ${maxBytes} bytes (files.maxPlaylistBytes)`)
    else chunks.push(part)
  }
  const finish = (): void => {
    const source = Buffer.concat(chunks)
    const { statusCode } = res
    if (statusCode === 304 && last?.fileTag !== undefined) {
      restore()
      return answer(last)
    }
    if (statusCode !== 200) {
      restore()
      return send(res, method, statusCode, source.length, () => res.end(source))
    }
    const encoding = res.getHeader('content-encoding') ?? 'identity'
    if (encoding !== 'identity' || !isText(source)) return reject('the playlist is not text')
    restore()
    answer(compile(source, String(res.getHeader('content-type') ?? ''), tagOf(res, askedAt)))
  }
  const answer = (version: Version): void => {
    const { template } = version
    const length = template.byteLength(query)
    if (length > maxBytes) return reject(`the playlist has more than ${maxBytes} bytes with the query in each link (files.maxPlaylistBytes)`)
    const told = onVersion(version)
    if (told === undefined) return answerNow(version, length)
    const go = safely(res, () => answerNow(version, length))
    told.then(go, go)
  }
  const answerNow = ({ template, contentType, id }: Version, length: number): void => {
    const etag = `"${hash('sha256', `${id} ${query}`, 'base64url').slice(0, 27)}"`
    res.removeHeader('Last-Modified')
    res.setHeader('Content-Type', contentType)
    res.setHeader('Cache-Control', 'private, max-age=0')
    res.setHeader('ETag', etag)
    const { status, from, to, range } = answerConditionally(length, etag, conditions)
    if (range !== undefined) res.setHeader('Content-Range', range)
    send(res, method, status, to - from, () => sendPart(res, template, query, from, to))
  }

  output.write = (chunk, encoding) => {
    if (!over) take(chunk, encoding)
    return true
  }
  output.end = (chunk, encoding) => {
    if (!over) take(chunk, encoding)
    if (!over) finish()
    return res
  }
  forward()
}

/** Whether links can be found in it: UTF-8, or an encoding of one byte for each character. UTF-16 and what is compressed have bytes of 0. */
const isText = (source: Buffer): boolean => !source.includes(0)

/** Express's tag of a file, which is made of its date and size, if the file was old enough to be known by it. */
const tagOf = (res: HttpResponse, askedAt: number): string | undefined => {
  const tag = res.getHeader('etag')
  const changedAt = Date.parse(String(res.getHeader('last-modified') ?? ''))
  return typeof tag === 'string' && askedAt - changedAt >= YOUNG_MS ? tag : undefined
}

const send = (res: HttpResponse, method: string | undefined, status: number, length: number, end: () => void): void => {
  if (res.headersSent || res.destroyed === true) return
  res.statusCode = status
  if (status === 304) for (const name of ['Content-Length', 'Content-Type']) res.removeHeader(name)
  else res.setHeader('Content-Length', length)
  if (method === 'HEAD' || status === 304) res.end()
  else end()
}
