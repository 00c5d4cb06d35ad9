import { constants, type Http2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { HttpResponse } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { onceOver } from '../http/response-end.js'

/**
 * One response to a viewer of files, watched without touching its bytes: while a file is piped into
 * it, what was read of the file counts as sent.
 */
export class Transfer {
  private source: { readonly bytesRead?: number } | undefined
  private told = 0

  constructor(private readonly res: HttpResponse, onOver: () => void) {
    res.once('pipe', safely(res, (from: Readable & { bytesRead?: number }) => { this.source = from }))
    onceOver(res, onOver)
  }

  /** Bytes of it that have been sent and not yet been told; the rest of them once it is over. */
  take(): number {
    const bytes = Math.max(0, this.sent() - this.told)
    this.told += bytes
    return bytes
  }

  /** Ends it at once, so that nobody takes it for complete; on HTTP/2 its stream. */
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
