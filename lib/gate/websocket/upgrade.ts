import type { Duplex } from 'node:stream'
import { safely } from '../../safely.js'
import { Departure, type LeaveSignal } from '../../access/departure.js'
import type { Holder, Unadmitted } from '../door/unadmitted.js'

/** Most bytes a held WebSocket client may send before reading stops. */
const MAX_KEPT_BYTES = 64 * 1024

/** A socket that Node has handed over at an upgrade, not answered yet. */
export interface HeldUpgrade {
  readonly socket: Duplex
  /** Aborted once the client has left. */
  readonly signal: LeaveSignal
  /** Stops holding: returns everything read so far; the socket flows again, with its errors handled. */
  letGo(): Buffer
}

/**
 * Holds the socket of an upgrade. It is read meanwhile, because a paused socket does not notice that its peer has left,
 * and its errors are handled.
 *
 * @param onTooMuch - called before it is cut because all waiting clients use too much memory
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
