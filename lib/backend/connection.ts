import type { Socket } from 'node:net'
import { Client, type buildConnector, type Dispatcher } from 'undici'

/** What a connection wants to know of whom it carries. */
export interface Passenger extends Dispatcher.DispatchHandler {
  connection: Connection | undefined
  /** Nobody waits for an answer any more. */
  readonly gone: boolean
}

/** One connection to a backend, opened again whenever it is needed and gone. */
export class Connection extends Client {
  /** Answers that came whole over the TCP connection of now; more than 0 means it was kept alive. */
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
    // Out of the pool's queue too late: true says that there is room for the next one.
    if (passenger.gone) return true
    passenger.connection = this
    return super.dispatch(options, handler)
  }

  /**
   * Ends the TCP connection, also one that is still being made; whoever it carries fails.
   * undici's own abort would at once make another connection, for the request that it aborted.
   */
  cut(): void {
    this.socket?.destroy(new Error('cut'))
  }
}
