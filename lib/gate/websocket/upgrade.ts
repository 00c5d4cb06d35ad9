import type { Duplex } from 'node:stream'
import { safely } from '../../safely.js'
import { Departure, type LeaveSignal } from '../../access/departure.js'
import type { Holder, Unadmitted } from '../door/unadmitted.js'

/** What a held WebSocket client may send on before it is no longer read. */
const MAX_KEPT_BYTES = 64 * 1024

/** A socket that Node has handed over at an upgrade and that nobody has answered yet. */
export interface HeldUpgrade {
  readonly socket: Duplex
  /** Aborted once the client has left. */
  readonly signal: LeaveSignal
  /** Stops holding: returns all that was read, the socket is flowing again and its errors are handled. */
  letGo(): Buffer
}

/**
 * Holds the socket of an upgrade. It is read meanwhile, for a paused socket does not notice that
 * its peer has left, and its errors are heard, for nobody else would.
 *
 * @param onTooMuch - told before it is cut, since all who wait hold too much
 */
export const holdUpgrade = (socket: Duplex, head: Buffer, unadmitted: Unadmitted, onTooMuch: () => void): HeldUpgrade => {
  const leaving = new Departure()
  let kept = [head]
  let keptBytes = head.length
  const holder: Holder = {
    onTooMuch: () => {
      onTooMuch()
      left()
    }
  }
  const keep = safely(socket, (bytes: Buffer) => {
    if (leaving.aborted) return
    kept.push(bytes)
    keptBytes += bytes.length
    unadmitted.holds(holder, keptBytes)
    if (keptBytes >= MAX_KEPT_BYTES) socket.pause()
  })
  const left = safely(socket, () => {
    kept = []
    unadmitted.holds(holder, 0)
    leaving.abort()
    socket.destroy()
  })
  unadmitted.holds(holder, keptBytes)
  socket.on('data', keep)
  socket.on('error', left)
  socket.once('end', left)
  socket.once('close', left)
  return {
    socket,
    signal: leaving,
    letGo() {
      socket.off('data', keep)
      socket.off('end', left)
      socket.off('close', left)
      unadmitted.holds(holder, 0)
      socket.resume()
      return Buffer.concat(kept)
    }
  }
}
