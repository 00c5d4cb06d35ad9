import { MAX_HOST_BYTES, MAX_PATH_BYTES, MAX_QUERY_BYTES } from '../../access/bounds.js'
import type { HttpRequest } from '../../nms/host.js'

/** A request target, split at its first `?`. */
export interface Target {
  readonly rawPath: string
  readonly query: string
}

export const splitTarget = (target: string): Target => {
  const mark = target.indexOf('?')
  return mark < 0 ? { rawPath: target, query: '' } : { rawPath: target.slice(0, mark), query: target.slice(mark + 1) }
}

const ABSOLUTE = /^https?:\/\/([^/?#\\@\s]+)(?=[/?]|$)/i

/**
 * Turns an absolute request target into path and host: servers must accept such targets, and their host takes
 * precedence over the header (RFC 9112, 3.2.2).
 */
export const toOriginForm = (req: HttpRequest): void => {
  const url = req.url ?? ''
  if (url.startsWith('/') || 'stream' in req) return
  const [whole, host] = ABSOLUTE.exec(url) ?? []
  if (whole === undefined || host === undefined) return
  const rest = url.slice(whole.length)
  req.url = rest.startsWith('/') ? rest : `/${rest}`
  req.headers.host = host
}

/** Why a request is too long; checked before anything is parsed. */
export const excessOf = ({ url = '', headers }: HttpRequest): string | undefined => {
  if (lengthOf(headers.host) > MAX_HOST_BYTES || lengthOf(headers[':authority']) > MAX_HOST_BYTES) return 'host too long'
  if (url.length <= MAX_PATH_BYTES) return undefined
  const mark = url.indexOf('?')
  if ((mark < 0 ? url.length : mark) > MAX_PATH_BYTES) return 'path too long'
  return mark >= 0 && url.length - mark - 1 > MAX_QUERY_BYTES ? 'query too long' : undefined
}

const lengthOf = (value: string | string[] | undefined): number =>
  value === undefined ? 0 : typeof value === 'string' ? value.length : value.reduce((sum, each) => sum + each.length, 0)
