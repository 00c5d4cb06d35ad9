import { MAX_PATH_BYTES, MAX_QUERY_BYTES } from '../access/bounds.js'
import type { AccessRequest } from '../access/request.js'
import type { BackendSettings } from '../access/settings.js'
import { HttpAuthError } from '../errors.js'
import { VERSION } from '../version.js'
import { headerValue } from './header-value.js'
import { withoutNamesOf } from './parameter-name.js'
import { compileParams } from './params.js'
import { encodeComponent, encodePath, encodeQuery } from './percent.js'

/** A GET request. Strings are latin1: one character per byte. */
export interface BackendRequest {
  /** Scheme, host and port. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  /** Names and values in turn, in the order sent; the connection adds `Host` and `Connection`. */
  readonly headers: string[]
}

/** Why the backend cannot be asked about an access request; the client's fault, so it is denied. */
export interface Malformed {
  readonly malformed: string
}

const OWN_HEADERS = ['X-Session-Id', 'X-Real-Ip', 'X-Real-Path', 'X-Real-Origin', 'X-Real-Ua'] as const

/** The plugin's user agent, because many filters drop requests without one; `headers` may override it. */
export const USER_AGENT = `node-media-server-http-auth/${VERSION}`

/** The CGI variable of a header: backends that read those cannot tell equal ones apart. */
const cgiName = (name: string): string => name.replace(/[^A-Za-z\d]/g, '_').toLowerCase()

const operatorHeaders = (headers: Readonly<Record<string, string>>): string[] => {
  const own = OWN_HEADERS.map(cgiName)
  for (const [name, value] of Object.entries(headers)) {
    if (own.includes(cgiName(name))) throw new HttpAuthError('ERR_OPTIONS', `headers: ${name} is a header that the plugin sets itself`)
    if (/[^\t -~\x80-\xff]/.test(value)) throw new HttpAuthError('ERR_OPTIONS', `headers: ${name} has characters that no header may have`)
  }
  const named = Object.keys(headers).some((name) => name.toLowerCase() === 'user-agent')
  return [...(named ? [] : ['User-Agent', USER_AGENT]), ...Object.entries(headers).flat()]
}

/**
 * Compiles a function that turns access requests into requests to one backend URL. It never throws, whatever the client sent.
 * @throws HttpAuthError `ERR_OPTIONS` if the operator's headers name one of the plugin's five
 */
export const requestBuilder = (settings: Pick<BackendSettings, 'headers' | 'params'>, url: string): (request: AccessRequest) => BackendRequest | Malformed => {
  const { origin, pathname, search } = new URL(url)
  const own = search.slice(1)
  const params = compileParams(settings.params)
  const names = Object.keys(settings.params).map(encodeComponent)
  const withoutOperators = withoutNamesOf([own, ...names].join('&'))
  const extraHeaders = operatorHeaders(settings.headers)
  const start = `${pathname}${own === '' ? '' : `?${own}`}${names.length === 0 ? '' : own === '' ? '?' : '&'}`
  const separator = own === '' && names.length === 0 ? '?' : '&'

  return (request) => {
    if (request.path.length > MAX_PATH_BYTES) return { malformed: 'path too long' }
    if (request.query.length > MAX_QUERY_BYTES) return { malformed: 'query too long' }
    const realPath = encodePath(request.path)
    if (realPath.length > MAX_PATH_BYTES) return { malformed: 'path too long' }
    // A lone surrogate has no UTF-8 form: two different paths would look the same to the backend.
    if (realPath !== request.path && /\p{Surrogate}/u.test(request.path)) return { malformed: 'path is not text' }
    const query = encodeQuery(request.query)
    if (query.length > MAX_QUERY_BYTES) return { malformed: 'query too long' }

    const operators = start + params(request)
    const clients = withoutOperators(query)
    return {
      origin,
      path: clients === '' ? operators : operators + separator + clients,
      headers: [
        'X-Session-Id', headerValue(request.sessionId),
        'X-Real-Ip', headerValue(request.ip),
        'X-Real-Path', realPath,
        'X-Real-Origin', headerValue(request.origin),
        'X-Real-Ua', headerValue(request.userAgent),
        ...extraHeaders
      ]
    }
  }
}

/** Builds one request exactly as a backend with these settings sends it to this URL. */
export const buildRequest = (settings: Pick<BackendSettings, 'headers' | 'params'>, url: string, request: AccessRequest): BackendRequest | Malformed =>
  requestBuilder(settings, url)(request)
