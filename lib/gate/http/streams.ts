import { constants, type Http2ServerResponse } from 'node:http2'
import { MAX_STREAMS, STREAMS_FORGIVEN_A_SECOND } from '../../access/bounds.js'
import { safely } from '../../safely.js'

/** Requests of one HTTP/2 connection. */
interface Counted {
  open: number
  /** Requests that the client reset, less those forgiven since. */
  reset: number
  at: number
}

/**
 * Bounds the requests of each HTTP/2 connection that are open or were reset by the client lately. A reset costs the client 13
 * bytes and the server a whole request, and all requests of a packet arrive before the first of their resets.
 */
export class Streams {
  private readonly connections = new WeakMap<object, Counted>()

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Counts a request. False if the connection has too many and is now closed. */
  take({ stream }: Http2ServerResponse): boolean {
    const { session } = stream
    if (session === undefined || session.destroyed) return false
    let counted = this.connections.get(session)
    if (counted === undefined) this.connections.set(session, counted = { open: 0, reset: 0, at: this.now() })
    this.forgive(counted)
    if (counted.open + counted.reset >= MAX_STREAMS) {
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
      return false
    }
    counted.open += 1
    stream.once('close', safely(stream, () => {
      counted.open -= 1
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) return
      this.forgive(counted)
      counted.reset += 1
    }))
    return true
  }

  private forgive(counted: Counted): void {
    const now = this.now()
    counted.reset = Math.max(0, counted.reset - (now - counted.at) / 1000 * STREAMS_FORGIVEN_A_SECOND)
    counted.at = now
  }
}
