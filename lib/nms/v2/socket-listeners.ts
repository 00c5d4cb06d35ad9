import type { Socket } from 'node:net'

type Listener = (...args: unknown[]) => void

/** The session methods that NMS registers as socket listeners. */
const EVENTS = { data: 'onSocketData', close: 'onSocketClose', error: 'onSocketError', timeout: 'onSocketTimeout' } as const

/**
 * Removes NMS's own listeners from a session's socket.
 * @returns a function that puts them back
 */
export const takeListeners = (socket: Socket): () => void => {
  const taken = Object.entries(EVENTS).flatMap(([event, method]) =>
    (socket.listeners(event) as Listener[]).filter(({ name }) => name === `bound ${method}`).map((each): [string, Listener] => [event, each]))
  for (const [event, each] of taken) socket.off(event, each)
  return () => {
    // eslint-disable-next-line safely/callbacks -- they are NMS's own, put back as they were
    for (const [event, each] of taken) socket.on(event, each)
  }
}
