import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { LeaveSignal } from '../../access/departure.js'
import type { Verdict } from '../../access/verdict.js'

/** The client of an HTTP request, forwarding headers of trusted proxies taken into account. */
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
  /** Lets web pages read what node-media-server answers, those that the option `cors` names. */
  allowOrigin(): void
  /**
   * Answers with a refusal in plain text: `Cache-Control: no-store`, readable for the same pages, with 503 `Retry-After`; the connection is closed (on HTTP/2
   * the stream). Answers nothing if the client has left.
   *
   * @param retryAfterS - of a 503, in seconds; default 5
   * @param allowed - the methods that a 405 names, if they are not those of live streams
   */
  refuse(status: number, reason: string, allowed?: string, retryAfterS?: number): void
  /** Refuses as a verdict says: with its status and reason, or, where it names a location, with a redirect to that. */
  refuseBy(verdict: Verdict): void
}
