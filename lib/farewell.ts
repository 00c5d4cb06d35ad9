import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { safely } from './safely.js'

/**
 * How long a refused or closed client can read what it was told before its connection is destroyed, in milliseconds;
 * within a second it must be gone, whatever it does with its own side.
 */
export const FAREWELL_MS = 500

/** Runs something after the farewell, unless the socket (or stream) is gone by then. Keeps no process alive. */
export const afterFarewell = (socket: EventEmitter & { readonly destroyed?: boolean }, cut: () => void): void => {
  if (socket.destroyed === true) return
  const timer = setTimeout(safely(undefined, cut), FAREWELL_MS)
  timer.unref()
  socket.once('close', safely(undefined, () => clearTimeout(timer)))
}

const leaving = new WeakSet<Duplex>()

/** Destroys the socket after the farewell. Calling it again changes nothing: each of many requests on one socket may be refused. */
export const destroySoon = (socket: Duplex): void => {
  if (leaving.has(socket)) return
  leaving.add(socket)
  afterFarewell(socket, () => socket.destroy())
}
