import type { Networks } from '../access/address.js'
import type { HttpFront } from '../nms/host.js'
import type { Exchange } from './http/exchange.js'
import type { FilesGate } from './files/gate.js'
import { httpClientOf } from './http/client.js'
import { HttpExchange, splitTarget } from './http/open-exchange.js'
import type { LiveGate } from './flv/gate.js'
import type { ServedPath } from './files/served-path.js'
import { httpStreamPath } from '../nms/v4/stream-path.js'

/** Whether a path may be one of NMS's own pages or its API, which may lie below a static route that is mounted at the root. */
export const mayBeOwn = (rawPath: string): boolean => /^\/(?:admin|api)(?:\/|$)/i.test(rawPath)

/** Whether a path below the static route may mean a live stream as well: that route matches two segments. */
export const mayBeLive = (rawPath: string, streamPath: string | null | undefined): streamPath is string | null =>
  streamPath !== undefined && /^\/[^/]+\/[^/]+\/?$/.test(rawPath)

/**
 * The door for HTTP, over HTTP/1 and HTTP/2: tells live streams, files, and what is nobody's
 * business from each other as NMS's Express does, files first.
 *
 * @param files - `undefined` if NMS serves none
 */
export const createHttpGate = (live: LiveGate, files: FilesGate | undefined, trusted: Networks): HttpFront['request'] => {
  const file = (gate: FilesGate, exchange: Exchange, served: ServedPath, streamPath: string | null | undefined): void => {
    const isLive = mayBeLive(exchange.rawPath, streamPath)
    const isOwn = mayBeOwn(exchange.rawPath) && !gate.isOpen(served)
    // Only where a path may mean two things the disk is looked at.
    if (isLive || isOwn) void fileOrElse(gate, exchange, served, isLive ? streamPath : undefined)
    else gate.serve(exchange, served)
  }
  const fileOrElse = async (gate: FilesGate, exchange: Exchange, served: ServedPath, streamPath: string | null | undefined): Promise<void> => {
    const exists = await gate.exists(served)
    if (exchange.signal.aborted) return
    if (exists) gate.serve(exchange, served)
    else if (streamPath !== undefined) live(exchange, streamPath)
    else exchange.forward()
  }

  return (req, res, secure, forward) => {
    if (req.method === 'OPTIONS') return forward()
    const target = splitTarget(req.url ?? '')
    const recent = files?.recall(req, target)
    if (files !== undefined && recent !== undefined) {
      return files.again(new HttpExchange(req, res, target, recent.client, forward), recent)
    }
    const streamPath = httpStreamPath(target.rawPath)
    const served = files?.read(target.rawPath)
    if (files === undefined || served === undefined) {
      if (streamPath === undefined) return forward()
      return live(new HttpExchange(req, res, target, httpClientOf(req, secure, 'http', trusted), forward), streamPath)
    }
    const exchange = new HttpExchange(req, res, target, httpClientOf(req, secure, 'http', trusted), forward)
    if (req.method === 'GET' || req.method === 'HEAD') {
      if (served === null) return files.refuseMalformed(exchange)
      return file(files, exchange, served, streamPath)
    }
    // Express serves files to no other method.
    if (streamPath !== undefined) return live(exchange, streamPath)
    if (mayBeOwn(target.rawPath)) return exchange.forward()
    exchange.refuse(405, 'GET and HEAD only', 'GET, HEAD, OPTIONS')
  }
}
