import type { Socket } from 'node:net'
import { normalizeIp } from '../access/address.js'
import { trace } from '../log.js'
import type { RtmpFront } from '../nms/host.js'
import type { Door, Release } from './door.js'
import { openRtmpConnection, type RtmpConnection } from './rtmp-connection.js'

const debug = trace('gate')

/** The door for RTMP and RTMPS. */
export interface RtmpGate extends RtmpFront {
  /** Refuses those who are held and cuts those who have not said what they want. */
  close(): void
}

interface Arrival { readonly release: Release, readonly deadline: NodeJS.Timeout | undefined }

/**
 * Makes the gate. Every connection takes a place among the held clients from TCP accept on, so
 * that half a TLS handshake, half an RTMP handshake and silence all count, and is cut if it has
 * not sent a command that can be decided within `commandTimeoutMs` (0: no limit).
 *
 * @param onOverload - told the address of a connection that was cut because a limit is reached
 */
export const createRtmpGate = (door: Door, { commandTimeoutMs, onOverload }: {
  commandTimeoutMs: number, onOverload: (ip: string) => void
}): RtmpGate => {
  /** By `address:port`: for RTMPS the accepted TCP socket is not the one that carries RTMP. */
  const arrivals = new Map<string, Arrival>()
  const undecided = new Set<RtmpConnection>()

  const accepted = (socket: Socket): void => {
    const ip = normalizeIp(socket.remoteAddress ?? '')
    const release = ip === '' ? undefined : door.hold(ip)
    if (release === undefined) {
      if (ip !== '') onOverload(ip)
      socket.on('error', () => undefined)
      socket.destroy()
      return
    }
    const key = keyOf(socket)
    const deadline = commandTimeoutMs === 0 ? undefined : setTimeout(() => {
      debug('no command from %s within %d ms, cut', ip, commandTimeoutMs)
      socket.destroy()
    }, commandTimeoutMs).unref()
    const arrival = { deadline, release: () => { clearTimeout(deadline); release() } }
    arrivals.set(key, arrival)
    socket.once('close', () => {
      if (arrivals.get(key) !== arrival) return
      arrivals.delete(key)
      arrival.release()
    })
  }

  const ready: RtmpFront['ready'] = (socket, secure, adopt) => {
    const arrival = arrivals.get(keyOf(socket))
    if (arrival === undefined) {
      socket.on('error', () => undefined)
      socket.destroy()
      return
    }
    arrivals.delete(keyOf(socket))
    const connection = openRtmpConnection({
      door, secure, release: arrival.release, adopt,
      onDecided: () => undecided.delete(connection),
      onCommand: () => clearTimeout(arrival.deadline)
    })
    undecided.add(connection)
  }

  return {
    accepted,
    ready,
    running: (adopt) => { openRtmpConnection({ door, secure: false, adopt, runs: true }) },
    close() {
      for (const { deadline } of arrivals.values()) clearTimeout(deadline)
      for (const connection of undecided) connection.close()
    }
  }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`
