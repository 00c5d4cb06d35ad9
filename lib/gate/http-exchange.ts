import type { ServerResponse } from 'node:http'
import { Departure } from '../access/departure.js'
import { afterFarewell, destroySoon } from '../farewell.js'
import type { HttpRequest, HttpResponse } from '../nms/host.js'
import type { Exchange, HttpClient } from './exchange.js'
import { refusalHeaders } from './refusal.js'
import { isOver, onceOver } from './response-end.js'

/** Splits a request target at its first `?`. */
export const splitTarget = (target: string): { rawPath: string, query: string } => {
  const mark = target.indexOf('?')
  return mark < 0 ? { rawPath: target, query: '' } : { rawPath: target.slice(0, mark), query: target.slice(mark + 1) }
}

/** Makes the exchange of one HTTP request. */
export const openExchange = (
  req: HttpRequest, res: HttpResponse, target: { rawPath: string, query: string }, client: HttpClient, forward: () => void
): Exchange => {
  let leaving: Departure | undefined
  return {
    req, res, client, ...target,
    /** Made when it is first needed: a segment of a running session needs none, nor a listener. */
    get signal() {
      if (leaving === undefined) {
        const controller = leaving = new Departure()
        if (isOver(res)) controller.abort()
        else onceOver(res, () => controller.abort())
      }
      return leaving
    },
    forward: () => {
      if (!isOver(res)) forward()
    },
    refuse: (status, reason, allowed) => {
      if (isOver(res)) return
      const body = `${reason}\n`
      const headers = refusalHeaders(status, body, allowed)
      if ('stream' in res) refuseStream(req, res, status, headers, body)
      else refuseConnection(req, res, status, headers, body)
    }
  }
}

/** On HTTP/2 the stream ends, and the connection goes on. */
const refuseStream = (req: HttpRequest, res: Extract<HttpResponse, { stream: unknown }>, status: number, headers: Record<string, string>, body: string): void => {
  const { stream } = res
  stream.on('error', () => undefined)
  res.writeHead(status, headers)
  res.end(req.method === 'HEAD' ? '' : body)
  req.resume()
  afterFarewell(stream, () => stream.close())
}

/**
 * On HTTP/1 the connection ends. A body that is still coming is read and thrown away until then,
 * or the reset that answers it could overtake the refusal.
 */
const refuseConnection = (req: HttpRequest, res: ServerResponse, status: number, headers: Record<string, string>, body: string): void => {
  const { socket } = req
  res.writeHead(status, { ...headers, Connection: 'close' })
  destroySoon(socket)
  if (req.complete || hasNoBody(req)) {
    res.end(req.method === 'HEAD' ? undefined : body)
    return
  }
  res.write(body)
  req.resume()
  req.once('end', () => res.end())
}

const hasNoBody = ({ headers }: HttpRequest): boolean =>
  headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
