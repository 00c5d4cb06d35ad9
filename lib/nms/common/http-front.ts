import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { safely } from '../../safely.js'
import type { HttpFront, HttpRequest, HttpResponse } from '../host.js'

type Listener = (...args: unknown[]) => void

/**
 * Stands before the `request` and `upgrade` listeners of NMS's HTTP and HTTPS servers. `Expect: 100-continue` is
 * answered only when the request is forwarded.
 *
 * @returns a function that restores NMS's own listeners
 */
export const installHttpFront = (servers: { readonly http?: EventEmitter | undefined, readonly https?: EventEmitter | undefined }, front: HttpFront): () => void => {
  const undo = [
    intercept(servers.http, false, front),
    intercept(servers.https, true, front)
  ]
  return () => undo.forEach((restore) => restore())
}

const intercept = (server: EventEmitter | undefined, secure: boolean, front: HttpFront): () => void => {
  if (server === undefined) return () => undefined
  const requests = server.listeners('request') as Listener[]
  const upgrades = server.listeners('upgrade') as Listener[]
  const call = (listeners: Listener[], ...args: unknown[]): void => listeners.forEach((listener) => listener.apply(server, args))

  const end = (_: unknown, req: HttpRequest): void => {
    if ('stream' in req) (req.stream as { destroy(): void }).destroy()
    else req.socket.destroy()
  }
  const request = safely(end, (req: HttpRequest, res: HttpResponse) => {
    front.request(req, res, secure, () => call(requests, req, res))
  })
  const checkContinue = safely(end, (req: HttpRequest, res: HttpResponse) => {
    front.request(req, res, secure, () => {
      res.writeContinue()
      call(requests, req, res)
    })
  })
  const upgrade = safely((_, __, socket: Duplex) => socket.destroy(), (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    front.upgrade(req, socket, head, secure, (all) => call(upgrades, req, socket, all))
  })

  requests.forEach((listener) => server.off('request', listener))
  upgrades.forEach((listener) => server.off('upgrade', listener))
  server.on('request', request)
  server.on('upgrade', upgrade)
  server.on('checkContinue', checkContinue)
  return () => {
    server.off('request', request)
    server.off('upgrade', upgrade)
    server.off('checkContinue', checkContinue)
    giveBack(server, 'request', requests)
    giveBack(server, 'upgrade', upgrades)
  }
}

const giveBack = (server: EventEmitter, event: string, listeners: Listener[]): void => {
  // eslint-disable-next-line safely/callbacks -- they are NMS's own, put back as they were
  for (const listener of listeners) server.on(event, listener)
}
