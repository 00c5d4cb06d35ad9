import { hash } from 'node:crypto'
import type { Version } from '../../hls/playlists.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { answerConditionally } from './conditional.js'
import { sendPart } from './playlist-body.js'

export interface PlaylistRewriting {
  /** The noun used in refusals. */
  readonly noun: 'playlist' | 'manifest'
  /** Limit for both the file and the rewritten text. */
  readonly maxBytes: number
  /** The query added to every link. */
  readonly query: string
  /** The last version of the file that was read. */
  readonly last: Version | undefined
  /** Compiles a version of the file. */
  readonly compile: (source: Buffer, contentType: string, fileTag: string | undefined) => Version
  /** Called with the version to be sent; sending waits for the returned promise. */
  readonly onVersion: (version: Version) => Promise<unknown> | undefined
  /** Answers instead of Express when its answer cannot be sent. */
  readonly refuse: (status: number, reason: string) => void
  readonly forward: () => void
}

/** Headers about the file on disk, not about the text that the client gets. */
const KEPT_FROM_EXPRESS = ['range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'cache-control']

/** A file younger than this may change again without a visible change of its date, whose resolution is too coarse. In milliseconds. */
const YOUNG_MS = 3000

type Write = (chunk: unknown, ...rest: unknown[]) => boolean
type End = (...args: unknown[]) => HttpResponse

/**
 * Lets Express answer a request for a playlist or manifest, and sends the text rewritten. Express is asked for the
 * whole file, unless the last version is still current; ranges and conditions are evaluated here, on the text that the
 * client knows. Any other answer of Express is sent unchanged.
 */
export const answerPlaylist = (req: HttpRequest, res: HttpResponse, rewriting: PlaylistRewriting): void => {
  const { noun, maxBytes, query, last, compile, onVersion, refuse, forward } = rewriting
  const { method } = req
  const conditions = { ...req.headers }
  const askedAt = Date.now()
  for (const name of KEPT_FROM_EXPRESS) if (name in conditions) delete req.headers[name]
  if (last?.fileTag !== undefined) req.headers['if-none-match'] = last.fileTag
  const input = req as { method?: string }
  input.method = 'GET'

  const output = res as unknown as { write?: Write, end?: End, socket?: unknown }
  // On HTTP/2 the stream of a HEAD request is ended from the start, and Express would not read the file.
  const looksEnded = method === 'HEAD' && 'stream' in res
  if (looksEnded) Object.defineProperty(res, 'socket', { value: undefined, configurable: true })
  let chunks: Buffer[] = []
  let bytes = 0
  /** Express's answer is no longer used. */
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
    // Whatever Express still reads is discarded.
    output.write = () => true
    output.end = () => res
  }
  const take = (chunk: unknown, encoding: unknown): void => {
    if (chunk === undefined || chunk === null || typeof chunk === 'function') return
    const part = typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding as BufferEncoding : 'utf8') : chunk as Buffer
    bytes += part.length
    if (bytes > maxBytes) reject(`the ${noun} has more than ${maxBytes} bytes (files.maxPlaylistBytes)`)
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
    if (encoding !== 'identity' || !isText(source)) return reject(`the ${noun} is not text`)
    restore()
    answer(compile(source, String(res.getHeader('content-type') ?? ''), tagOf(res, askedAt)))
  }
  const answer = (version: Version): void => {
    const { template, refusal } = version
    if (refusal !== undefined) return reject(refusal)
    const length = template.byteLength(query)
    if (length > maxBytes) return reject(`the ${noun} has more than ${maxBytes} bytes with the query in each link (files.maxPlaylistBytes)`)
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

/**
 * Whether links can be found in it: the encoding must be UTF-8 or have one byte per character. UTF-16 and compressed
 * data contain zero bytes.
 */
const isText = (source: Buffer): boolean => !source.includes(0)

/** Express's ETag of a file, which is made of date and size, if the file was old enough to be identified by it. */
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
