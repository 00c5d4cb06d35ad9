import type { Socket } from 'node:net'
import { normalizeIp } from '../../access/address.js'
import { trace } from '../../trace.js'
import type { Release } from '../door/slots.js'
import type { Arrival, RtmpConnection } from './connection.js'

const debug = trace('gate')

const cut = ({ socket, commandTimeoutMs }: RtmpArrival): void => {
  debug('no command from %s within %d ms, cut', normalizeIp(socket.remoteAddress ?? ''), commandTimeoutMs)
  socket.destroy()
}

/** A connection's slot among the held and its time for a command, from TCP accept until it is decided. */
export class RtmpArrival implements Arrival {
  private connection: RtmpConnection | undefined
  private gone: (() => void) | undefined
  private deadline: NodeJS.Timeout | undefined

  /**
   * @param socket - as accepted, which for RTMPS is not the one that carries RTMP
   * @param commandTimeoutMs - 0 is no limit
   * @param undecided - those who wait for anything; it leaves by itself
   */
  constructor(
    readonly socket: Socket, readonly slot: Release, readonly commandTimeoutMs: number, private readonly undecided: Set<RtmpArrival>
  ) {
    undecided.add(this)
    if (commandTimeoutMs > 0) this.deadline = setTimeout(cut, commandTimeoutMs, this).unref()
  }

  /** Calls if the socket closes before the connection carries RTMP. */
  whenGone(listener: () => void): void {
    this.gone = listener
    this.socket.on('close', listener)
  }

  /** From here on the connection knows itself when it is closed. */
  carries(connection: RtmpConnection): void {
    this.connection = connection
    if (this.gone !== undefined) this.socket.off('close', this.gone)
    this.gone = undefined
  }

  /** Cuts it if it has not said what it wants. */
  close(): void {
    clearTimeout(this.deadline)
    this.connection?.close()
  }

  onCommand(): void {
    clearTimeout(this.deadline)
    this.deadline = undefined
  }

  onDecided(): void {
    this.onCommand()
    this.slot()
    this.undecided.delete(this)
  }
}
