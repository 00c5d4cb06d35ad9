import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { safely } from '../safely.js'

/**
 * Ends a WebSocket client that begins a frame without an end.
 *
 * @param maxBytes - what it may send of a frame that it does not finish
 * @param onBytes - told of all that comes, pings included
 * @returns what takes the bound away
 */
export const boundFrames = (client: EventEmitter, socket: Socket, maxBytes: number, onBytes: () => void, cut: () => void): () => void => {
  let finished = socket.bytesRead
  const onFrame = safely(cut, () => { finished = socket.bytesRead })
  const onData = safely(cut, () => {
    onBytes()
    if (socket.bytesRead - finished > maxBytes) cut()
  })
  const events = ['message', 'ping', 'pong']
  for (const event of events) client.on(event, onFrame)
  socket.on('data', onData)
  return () => {
    for (const event of events) client.off(event, onFrame)
    socket.off('data', onData)
  }
}
