import { constants, type Http2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { HttpResponse } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { onceOver } from '../http/response-end.js'

/**
 * Counts the bytes of one response to a file viewer without touching them: while a file is piped into the response, the
 * bytes read from the file count as sent.
 */
export class Transfer {
  private source: { readonly bytesRead?: number } | undefined
  private told = 0

  constructor(private readonly res: HttpResponse, onOver: () => void) {
    res.once('pipe', safely(res, (from: Readable & { bytesRead?: number }) => { this.source = from }))
    onceOver(res, onOver)
  }

  /** Bytes sent since the last call; once the response is over, all that remain. */
  take(): number {
    const bytes = Math.max(0, this.sent() - this.told)
    this.told += bytes
    return bytes
  }

  /** Aborts the response so that nobody takes it for complete; on HTTP/2, aborts its stream. */
  cut(): void {
    const { res } = this
    if ('stream' in res) (res.stream as Http2Stream | undefined)?.close(constants.NGHTTP2_CANCEL)
    else res.destroy()
  }

  private sent(): number {
    const { res, source } = this
    if (source !== undefined) return source.bytesRead ?? 0
    const hasBody = res.writableFinished && res.req.method !== 'HEAD' && res.statusCode !== 304
    return hasBody ? Number(res.getHeader('content-length') ?? 0) || 0 : 0
  }
}
