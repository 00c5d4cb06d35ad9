import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'
import { answerConditionally, type Answer } from './conditional.js'

export interface PlaylistRewriting {
  readonly maxBytes: number
  /** Makes the new text of the old. */
  readonly rewrite: (text: string) => string
  /** Answers in the place of Express, whose answer is not fit to be sent. */
  readonly refuse: (status: number, reason: string) => void
  readonly forward: () => void
}

/** What concerns the file as Express knows it, and not the text that the client gets. */
const KEPT_FROM_EXPRESS = ['range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

type Write = (chunk: unknown, ...rest: unknown[]) => boolean
type End = (...args: unknown[]) => HttpResponse

/**
 * Has Express answer a request for a playlist, and sends its text rewritten. Express is asked for
 * the whole file; ranges and conditions are answered here, on the text that the client knows.
 * Whatever is not a playlist that was found is sent as Express made it.
 */
export const answerPlaylist = (req: HttpRequest, res: HttpResponse, { maxBytes, rewrite, refuse, forward }: PlaylistRewriting): void => {
  const { method } = req
  const conditions = { ...req.headers }
  for (const name of KEPT_FROM_EXPRESS) if (name in conditions) delete req.headers[name]
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
    const body = Buffer.concat(chunks)
    restore()
    const encoding = res.getHeader('content-encoding') ?? 'identity'
    if (res.statusCode !== 200) return send(res, method, { status: res.statusCode, body })
    if (encoding !== 'identity' || !isUtf8(body) || body.includes(0)) return reject('the playlist is not UTF-8 text')
    const text = Buffer.from(rewrite(body.toString('utf8')), 'utf8')
    const etag = `"${hash('sha256', text, 'base64url').slice(0, 27)}"`
    res.removeHeader('Last-Modified')
    res.setHeader('Cache-Control', 'private, max-age=0')
    res.setHeader('ETag', etag)
    send(res, method, answerConditionally(text, etag, conditions))
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

const send = (res: HttpResponse, method: string | undefined, { status, body, range }: Answer): void => {
  if (res.headersSent || res.destroyed === true) return
  res.statusCode = status
  if (range !== undefined) res.setHeader('Content-Range', range)
  if (status === 304) for (const name of ['Content-Length', 'Content-Type']) res.removeHeader(name)
  else res.setHeader('Content-Length', body.length)
  if (method === 'HEAD' || status === 304) res.end()
  else res.end(body)
}
