import { safely } from '../../safely.js'
import type { HttpResponse } from '../../nms/host.js'

/** Whether a response has been sent, or its client has left. */
export const isOver = (res: HttpResponse): boolean => 'stream' in res
  ? res.stream === undefined || res.stream.closed
  : res.closed || res.req.socket.destroyed

/** Calls the listener once the response has been sent or never will be. */
export const onceOver = (res: HttpResponse, listener: () => void): void => {
  if ('stream' in res || res.socket !== null) {
    res.once('close', safely('stream' in res ? res.stream : res.req.socket, listener))
    return
  }
  // It waits behind others on its connection. If the connection ends meanwhile, Node tells only the request.
  const { req } = res
  const over = safely(req.socket, () => {
    res.off('close', over)
    req.off('close', over)
    listener()
  })
  res.once('close', over)
  req.once('close', over)
}
