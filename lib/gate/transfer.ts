import { constants, type Http2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { HttpResponse } from '../nms/host.js'
import { onceOver } from './response-end.js'

/** One response to a viewer of files. */
export interface Transfer {
  /** Bytes of it that have been sent and not yet been told; the rest of them once it is over. */
  take(): number
  /** Ends it at once, so that nobody takes it for complete; on HTTP/2 its stream. */
  cut(): void
}

/**
 * Watches a response without touching its bytes: while a file is piped into it, what was read of
 * the file counts as sent.
 */
export const watchTransfer = (res: HttpResponse, onOver: () => void): Transfer => {
  let source: { readonly bytesRead?: number } | undefined
  let told = 0
  res.once('pipe', (from: Readable & { bytesRead?: number }) => { source = from })
  onceOver(res, onOver)
  const sent = (): number => {
    if (!res.writableFinished) return source?.bytesRead ?? 0
    const hasBody = res.req.method !== 'HEAD' && res.statusCode !== 304
    return hasBody ? Number(res.getHeader('content-length') ?? 0) || 0 : 0
  }
  return {
    take() {
      const bytes = Math.max(0, sent() - told)
      told += bytes
      return bytes
    },
    cut() {
      if ('stream' in res) (res.stream as Http2Stream | undefined)?.close(constants.NGHTTP2_CANCEL)
      else res.destroy()
    }
  }
}
