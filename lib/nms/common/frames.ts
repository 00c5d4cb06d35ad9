import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { safely } from '../../safely.js'
import { LEFT_ANSWERS_UNREAD, Unread } from './unread.js'

/** The parts of a `ws` WebSocket that are used here. */
export interface FramedClient extends EventEmitter {
  /** Bytes waiting to be sent. */
  readonly bufferedAmount: number
}

/** Header size of a pong. */
const PONG_HEAD_BYTES = 2

/**
 * Ends a WebSocket client that begins a frame without finishing it, or pings and does not read the pongs.
 *
 * @param maxBytes - bytes allowed in an unfinished frame
 * @returns a function that removes the bound
 */
export const boundFrames = (client: FramedClient, socket: Socket, maxBytes: number, cut: (detail: string) => void): () => void => {
  const unread = new Unread(0)
  let finished = socket.bytesRead
  const onFrame = safely(socket, () => { finished = socket.bytesRead })
  const onPing = safely(socket, (data: Buffer) => {
    const { bufferedAmount } = client
    // Newer versions of the package answer 60 pings and then end the connection themselves.
    if (socket.destroyed || unread.answersExceed(Math.max(0, bufferedAmount - data.length - PONG_HEAD_BYTES), bufferedAmount)) cut(LEFT_ANSWERS_UNREAD)
  })
  const onData = safely(socket, () => {
    if (socket.bytesRead - finished > maxBytes) cut('the client began a frame without an end')
  })
  const events = ['message', 'ping', 'pong']
  for (const event of events) client.on(event, onFrame)
  client.on('ping', onPing)
  socket.on('data', onData)
  return () => {
    for (const event of events) client.off(event, onFrame)
    client.off('ping', onPing)
    socket.off('data', onData)
  }
}
