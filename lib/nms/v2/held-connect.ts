import { mistakeInTcUrl } from '../../access/tc-url.js'
import { nmsOf, type NmsContext, type NmsInvoke, type NmsRtmpSession } from './shapes.js'

/** Answers a client's `connect` once, and delays NMS's events for it until there is a verdict. */
export class HeldConnect {
  /** As the client sent it; NMS removes the first slash. */
  app = ''
  private events: unknown[][] = []

  /** @param done - whether the session has already connected */
  constructor(private readonly session: NmsRtmpSession, private readonly context: NmsContext, private done: boolean) {}

  /** @throws RangeError if NMS could not read the command, and for a second `connect` */
  answer(invoke: NmsInvoke): void {
    if (this.done) throw new RangeError('a second connect')
    const { cmdObj } = invoke
    const { app, tcUrl } = typeof cmdObj === 'object' && cmdObj !== null ? cmdObj as { app?: unknown, tcUrl?: unknown } : {}
    const mistake = typeof app !== 'string' ? 'connect without an app' : mistakeInTcUrl(tcUrl)
    if (mistake !== undefined) throw new RangeError(mistake)
    this.app = app as string
    this.done = true
    const { nodeEvent } = this.context
    nodeEvent.emit = (...event) => this.events.push(event) > 0
    try {
      nmsOf(this.session).onConnect.call(this.session, invoke)
    } finally {
      delete (nodeEvent as Partial<typeof nodeEvent>).emit
    }
  }

  /** Raises the events, but stops if a listener ends the session. */
  raise(): void {
    for (const event of this.events.splice(0)) if (this.session.isStarting) this.context.nodeEvent.emit(...event as [string])
  }
}
