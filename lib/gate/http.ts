import type { Networks } from '../access/address.js'
import type { Dialect } from '../nms/dialect.js'
import type { HttpFront } from '../nms/host.js'
import type { Exchange } from './http/exchange.js'
import type { FilesGate } from './files/gate.js'
import { httpClientOf } from './http/client.js'
import type { Cors } from './http/cors.js'
import { HttpExchange } from './http/open-exchange.js'
import { splitTarget } from './http/target.js'
import type { LiveGate } from './flv/gate.js'
import type { ServedPath } from './files/served-path.js'
import { createRoute, reads, type Route } from './route.js'

/**
 * The door for HTTP/1 and HTTP/2: takes each request to the gate of its route.
 *
 * @param files - `undefined` if NMS serves none
 */
export const createHttpGate = (dialect: Dialect, live: LiveGate, files: FilesGate | undefined, trusted: Networks, cors: Cors): HttpFront['request'] => {
  const routeOf = createRoute(dialect, files)

  const take = (exchange: Exchange, route: Route): void => {
    if (route.is === 'other') return exchange.forward()
    if (route.is === 'live' || (route.is === 'malformed' && route.of === 'live')) return live(exchange, route)
    if (files === undefined) return exchange.forward()
    if (!reads(exchange.req.method)) return files.refuseMethod(exchange)
    if (route.is === 'malformed') return files.refuseMalformed(exchange)
    if (route.otherwise === undefined && (!files.shared || files.isOpen(route.served))) return files.serve(exchange, route.served)
    void takeIfThere(files, exchange, route.served, route.otherwise)
  }
  /** Looks at the disk only if a path is ambiguous. */
  const takeIfThere = async (gate: FilesGate, exchange: Exchange, served: ServedPath, otherwise: Route | undefined): Promise<void> => {
    const found = await gate.find(served)
    if (exchange.signal.aborted) return
    if (found === undefined) exchange.refuse(503, 'too many requests are waiting, try again later')
    else if (found === 'pages') exchange.forward()
    else if (found === 'media' || otherwise === undefined) gate.serve(exchange, served)
    else take(exchange, otherwise)
  }

  return (req, res, secure, forward) => {
    const target = splitTarget(req.url ?? '')
    if (req.method === 'OPTIONS') return cors.isOpen || routeOf('GET', target.rawPath).is === 'other' ? forward() : cors.preflight(req, res)
    const recent = files?.recall(req, target)
    if (files !== undefined && recent !== undefined) {
      return files.again(new HttpExchange(req, res, target, recent.client, cors, forward), recent)
    }
    const route = routeOf(req.method, target.rawPath)
    if (route.is === 'other') return forward()
    take(new HttpExchange(req, res, target, httpClientOf(req, secure, 'http', trusted), cors, forward), route)
  }
}
