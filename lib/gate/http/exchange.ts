import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { LeaveSignal } from '../../access/departure.js'
import type { Verdict } from '../../access/verdict.js'

/** The client of an HTTP request, taking trusted proxies' headers into account. */
export interface HttpClient {
  /** Without port, without `::ffff:`. */
  readonly ip: string
  /** `ip:port`, as NMS writes addresses, with `::ffff:` where the connection has it; port 0 where a proxy hid it. */
  readonly address: string
  /** `https://live.example.com:8443` */
  readonly origin: string
  readonly secure: boolean
  readonly userAgent: string
}

/** One HTTP request at the door. */
export interface Exchange {
  readonly req: IncomingMessage | Http2ServerRequest
  readonly res: ServerResponse | Http2ServerResponse
  readonly client: HttpClient
  /** Target before the first `?`, as the client wrote it. */
  readonly rawPath: string
  /** Target after the first `?`, as the client wrote it. */
  readonly query: string
  /** Aborted once the client has left. */
  readonly signal: LeaveSignal
  /** Hands the request to NMS, exactly as it came. */
  forward(): void
  /** Lets the web pages named by the option `cors` read node-media-server's answer. */
  allowOrigin(): void
  /**
   * Refuses in plain text, with `Cache-Control: no-store` and CORS headers, and `Retry-After` for a 503; then closes
   * the connection (on HTTP/2 the stream). Does nothing if the client has left.
   *
   * @param retryAfterS - for a 503, in seconds; default 5
   * @param allowed - methods named by a 405; default those of live streams
   */
  refuse(status: number, reason: string, allowed?: string, retryAfterS?: number): void
  /** Refuses with the verdict's status and reason, or with a redirect if it names a location. */
  refuseBy(verdict: Verdict): void
}
