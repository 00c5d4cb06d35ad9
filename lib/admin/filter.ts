import type { AccessRequest } from '../access/request.js'

/** Selects sessions and verdicts; an absent field matches all. */
export interface Filter {
  readonly user?: string
  readonly ip?: string
  /** The path of the stream or of the request, or the beginning of one. */
  readonly path?: string
  readonly protocol?: string
  readonly action?: string
  /** A session's id. */
  readonly session?: string
  /** Part of an address, user, session id or path, or the whole value of a query parameter, such as a token. */
  readonly q?: string
}

export const FILTERS = ['user', 'ip', 'path', 'protocol', 'action', 'session', 'q'] as const satisfies readonly (keyof Filter)[]

/** Reads a filter from a query; empty values count as absent. */
export const filterOf = (params: URLSearchParams): Filter =>
  Object.fromEntries(FILTERS.flatMap((name) => {
    const value = params.get(name)
    return value === null || value === '' ? [] : [[name, value]]
  }))

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** Whether a query has a parameter with exactly this value, or equals it. */
const hasValue = (query: string, value: string): boolean =>
  query === value || ((query.includes(value) || /[%+]/.test(query)) && query.includes('=') && query.split(/[&;]/).some((part) => {
    const own = part.slice(part.indexOf('=') + 1)
    return own === value || decoded(own) === value
  }))

export const matches = (filter: Filter, request: AccessRequest, user: string | undefined): boolean => {
  const { q } = filter
  return (filter.user === undefined || filter.user === user) &&
    (filter.ip === undefined || filter.ip === request.ip) &&
    (filter.path === undefined || request.streamPath.startsWith(filter.path) || request.path.startsWith(filter.path)) &&
    (filter.protocol === undefined || filter.protocol === request.protocol) &&
    (filter.action === undefined || filter.action === request.action) &&
    (filter.session === undefined || filter.session === request.sessionId) &&
    (q === undefined || request.ip.includes(q) || user?.includes(q) === true || request.sessionId.includes(q) || request.streamPath.includes(q) || request.path.includes(q) || hasValue(request.query, q))
}
