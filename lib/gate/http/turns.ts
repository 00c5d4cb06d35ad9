import type { ServerResponse } from 'node:http'
import { MAX_PIPELINED } from '../../access/bounds.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { isOver } from './response-end.js'

/** The order of pipelined requests on HTTP/1 connections. */
export interface Turns {
  /**
   * Begins a request once all requests before it on its connection are answered; never, if the connection ends first.
   * Cuts the connection if too many wait.
   */
  take(req: HttpRequest, res: HttpResponse, begin: () => void): void
  /** Whether a request on this connection has not been answered yet. */
  isBusy(socket: object): boolean
}

/**
 * Node delivers pipelined requests at once, and tells nobody if the connection of a waiting one ends by an upgrade:
 * files opened for it would stay open, and its session would never end.
 */
export const createTurns = (): Turns => {
  const lastOf = new WeakMap<object, HttpResponse>()
  const waiting = new WeakMap<object, number>()
  const wait = (socket: object, res: ServerResponse, begin: () => void): boolean => {
    const before = waiting.get(socket) ?? 0
    if (before >= MAX_PIPELINED) return false
    waiting.set(socket, before + 1)
    res.once('socket', safely(res, () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
      process.nextTick(safely(res, begin))
    }))
    return true
  }
  return {
    take(req, res, begin) {
      if ('stream' in res) return begin()
      const { socket } = req
      lastOf.set(socket, res)
      if (res.socket !== null) return begin()
      if (!wait(socket, res, begin)) socket.destroy()
    },
    isBusy(socket) {
      const last = lastOf.get(socket)
      return last !== undefined && !isOver(last)
    }
  }
}
