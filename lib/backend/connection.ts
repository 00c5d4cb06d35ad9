import type { Socket } from 'node:net'
import { Client, type buildConnector, type Dispatcher } from 'undici'

/** What a connection needs to know about the question it carries. */
export interface Passenger extends Dispatcher.DispatchHandler {
  connection: Connection | undefined
  /** Nobody waits for an answer any more. */
  readonly gone: boolean
}

/** One connection to a backend, reopened whenever it is needed and closed. */
export class Connection extends Client {
  /** Complete answers over the current TCP connection; more than 0 means it was kept alive. */
  answers = 0
  private socket: Socket | undefined

  constructor(origin: string | URL, options: Client.Options, connector: buildConnector.connector, onSocket: (socket: Socket) => void = () => undefined) {
    super(origin, {
      ...options,
      connect: (how: buildConnector.Options, callback: buildConnector.Callback) => {
        this.answers = 0
        this.socket = connector(how, callback) as unknown as Socket
        onSocket(this.socket)
      }
    })
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const passenger = handler as Passenger
    // It left the pool's queue too late: true says that there is room for the next one.
    if (passenger.gone) return true
    passenger.connection = this
    return super.dispatch(options, handler)
  }

  /**
   * Ends the TCP connection, even while it is being established; its question fails. undici's own abort would at once open
   * another connection for the aborted request.
   */
  cut(): void {
    this.socket?.destroy(new Error('cut'))
  }
}
