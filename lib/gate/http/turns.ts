import type { ServerResponse } from 'node:http'
import { MAX_PIPELINED } from '../../access/bounds.js'
import type { HttpRequest, HttpResponse } from '../../nms/host.js'
import { safely } from '../../safely.js'
import { isOver } from './response-end.js'

/** The order of pipelined requests on HTTP/1 connections. */
export interface Turns {
  /**
   * Begins a request once every one before it on its connection is answered; never, if the
   * connection ends before. Where too many wait, the connection is cut.
   */
  take(req: HttpRequest, res: HttpResponse, begin: () => void): void
  /** Whether a request on a connection is still to be answered. */
  isBusy(socket: object): boolean
}

/**
 * Node hands over pipelined requests at once, and tells nobody when the connection of one that waits
 * ends by an upgrade: files opened for it would stay open, and its session would never end.
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
