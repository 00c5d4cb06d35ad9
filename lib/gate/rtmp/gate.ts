import type { Socket } from 'node:net'
import { normalizeIp } from '../../access/address.js'
import type { Dialect } from '../../nms/dialect.js'
import type { RtmpFront } from '../../nms/host.js'
import type { Door } from '../door/door.js'
import { RtmpArrival, type ArrivalSetting } from './arrival.js'
import { RtmpConnection } from './connection.js'

/** The door for RTMP and RTMPS. */
export interface RtmpGate extends RtmpFront {
  /** Refuses held clients and cuts those without a command. */
  close(): void
}

/**
 * Makes the gate. Every connection takes a slot among the held clients from TCP accept on, so that half a TLS
 * handshake, half an RTMP handshake and silence all count, and is cut if it has not sent a complete command within
 * `commandTimeoutMs` (0: no limit).
 *
 * @param onCut - called for each connection that is cut before a verdict
 */
export const createRtmpGate = (door: Door, dialect: Dialect, options: Omit<ArrivalSetting, 'undecided'>): RtmpGate => {
  /** Connections that do not carry RTMP yet, by address and port: for RTMPS the accepted socket is not the one that will. */
  const arrivals = new Map<string, RtmpArrival>()
  const undecided = new Set<RtmpArrival>()
  const { onCut, unadmitted } = options
  // A reload may change it.
  const setting: ArrivalSetting = { get commandTimeoutMs() { return options.commandTimeoutMs }, undecided, onCut, unadmitted }

  const accepted = (socket: Socket): void => {
    const ip = normalizeIp(socket.remoteAddress ?? '')
    const slot = ip === '' ? undefined : door.hold(ip)
    if (slot === undefined) {
      if (ip !== '') onCut(ip, 'limit')
      socket.on('error', () => undefined)
      socket.destroy()
      return
    }
    const key = keyOf(socket)
    const arrival = new RtmpArrival(socket, slot, setting)
    arrivals.set(key, arrival)
    arrival.whenGone(() => {
      // The same client's next connection, from the same port, may be reported before the end of this one.
      if (arrivals.get(key) === arrival) arrivals.delete(key)
      arrival.onDecided()
    })
  }

  const ready: RtmpFront['ready'] = (socket, secure, adopt) => {
    const key = keyOf(socket)
    const arrival = arrivals.get(key)
    if (arrival === undefined) {
      socket.on('error', () => undefined)
      socket.destroy()
      return
    }
    arrivals.delete(key)
    arrival.carries(new RtmpConnection(door, dialect, secure, adopt, arrival))
  }

  return {
    accepted,
    ready,
    running: (adopt) => { new RtmpConnection(door, dialect, false, adopt) },
    close() {
      for (const arrival of undecided) arrival.close()
    }
  }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
