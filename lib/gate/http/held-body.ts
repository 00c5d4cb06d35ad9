import { HELD_BODY_BYTES } from '../../access/bounds.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'
import { TOO_MUCH, type Unadmitted } from '../door/unadmitted.js'
import { isOver, onceOver } from './response-end.js'

/** Whether a client sends anything behind the headers: a publisher's media, or whatever it likes behind a GET. */
export const hasBody = (req: HttpRequest): boolean => 'stream' in req
  ? !req.stream.endAfterHeaders
  : req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0

/** The body of a request that waits: nobody reads it, and Node buffers some of it. */
export class HeldBody {
  private isPassedOn = false

  /** @param cut - called before the connection (on HTTP/2 the stream) is ended because all who wait hold too much */
  constructor(private readonly req: HttpRequest, private readonly unadmitted: Unadmitted, private readonly cut: (detail: string) => void) {}

  /** Counts it until the request is passed on or its response is over. */
  hold(res: HttpResponse): void {
    if (this.isPassedOn || isOver(res)) return
    onceOver(res, () => this.release())
    this.unadmitted.holds(this, HELD_BODY_BYTES)
  }

  /** The request is passed on. */
  release(): void {
    this.isPassedOn = true
    this.unadmitted.holds(this, 0)
  }

  onTooMuch(): void {
    this.cut(TOO_MUCH)
    if ('stream' in this.req) this.req.stream.destroy()
    else this.req.socket.destroy()
  }
}
