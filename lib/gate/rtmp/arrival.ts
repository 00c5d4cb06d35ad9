import type { Socket } from 'node:net'
import { normalizeIp } from '../../access/address.js'
import type { CutReason } from '../../access/cut.js'
import { safely } from '../../safely.js'
import { trace } from '../../trace.js'
import type { Release } from '../door/slots.js'
import type { Unadmitted } from '../door/unadmitted.js'
import type { Arrival, RtmpConnection } from './connection.js'

const debug = trace('gate')

/** Shared by all arrivals. */
export interface ArrivalSetting {
  /** 0 is no limit. */
  readonly commandTimeoutMs: number
  /** Connections without a decision yet; each removes itself. */
  readonly undecided: Set<RtmpArrival>
  /** Called when a connection is cut before a verdict. */
  readonly onCut: (ip: string, reason: CutReason, detail?: string) => void
  /** Memory of the clients that are not admitted. */
  readonly unadmitted: Unadmitted
}

const timedOut = safely((_, { socket }: RtmpArrival) => socket.destroy(), (arrival: RtmpArrival) => {
  debug('no command within %d ms, cut', arrival.setting.commandTimeoutMs)
  arrival.onCut('timeout')
  arrival.socket.destroy()
})

/** A connection's slot among the held and its time limit for a command, from TCP accept until it is decided. */
export class RtmpArrival implements Arrival {
  private connection: RtmpConnection | undefined
  private gone: (() => void) | undefined
  private deadline: NodeJS.Timeout | undefined

  /** @param socket - the accepted one, which for RTMPS is not the one that carries RTMP */
  constructor(readonly socket: Socket, readonly slot: Release, readonly setting: ArrivalSetting) {
    const { undecided, commandTimeoutMs } = setting
    undecided.add(this)
    if (commandTimeoutMs > 0) this.deadline = setTimeout(timedOut, commandTimeoutMs, this).unref()
  }

  /** Calls back if the socket closes before the connection carries RTMP. */
  whenGone(listener: () => void): void {
    const gone = safely(this.socket, listener)
    this.gone = gone
    this.socket.on('close', gone)
  }

  /** From now on the connection notices itself when it is closed. */
  carries(connection: RtmpConnection): void {
    this.connection = connection
    if (this.gone !== undefined) this.socket.off('close', this.gone)
    this.gone = undefined
  }

  /** Cuts the connection if it has sent no command yet. */
  close(): void {
    clearTimeout(this.deadline)
    this.connection?.close()
  }

  get unadmitted(): Unadmitted { return this.setting.unadmitted }

  onCut(reason: CutReason, detail?: string): void {
    this.setting.onCut(normalizeIp(this.socket.remoteAddress ?? ''), reason, detail)
  }

  onCommand(): void {
    clearTimeout(this.deadline)
    this.deadline = undefined
  }

  onDecided(): void {
    this.onCommand()
    this.slot()
    this.setting.undecided.delete(this)
  }
}
