import type { Duplex } from 'node:stream'
import { safely } from '../../safely.js'
import { Departure, type LeaveSignal } from '../../access/departure.js'

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
 */
export const holdUpgrade = (socket: Duplex, head: Buffer): HeldUpgrade => {
  const leaving = new Departure()
  let kept = [head]
  let keptBytes = head.length
  const keep = safely(socket, (bytes: Buffer) => {
    if (leaving.aborted) return
    kept.push(bytes)
    keptBytes += bytes.length
    if (keptBytes >= MAX_KEPT_BYTES) socket.pause()
  })
  const left = safely(socket, () => {
    kept = []
    leaving.abort()
    socket.destroy()
  })
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
      socket.resume()
      return Buffer.concat(kept)
    }
  }
}
