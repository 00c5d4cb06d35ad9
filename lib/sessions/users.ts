import { hash } from 'node:crypto'
import { withoutHlsDirectives } from '../access/hls-query.js'
import type { AccessRequest } from '../access/request.js'
import type { LimitSettings } from '../access/settings.js'
import { rulePath } from '../policy/rule-path.js'

/** Says whose session a client's would be; `undefined` is nobody, who has no limit. Never by the address. */
export type UserOf = (request: AccessRequest, facts: { readonly userId?: string | undefined }) => string | undefined

/** How a user whom only a query stands for is called. */
const BY_QUERY = 'query:'

/**
 * The backend's word (`X-UserId`); else the values of `userParams`, where all are there; else the raw query.
 * A client can vary its query, and so be somebody else; it can never be another whom the backend names.
 */
export const createUserOf = ({ userParams, ignoreUsers }: Pick<LimitSettings, 'userParams' | 'ignoreUsers'>): UserOf => {
  const ignored = ignoreUsers.map(rulePath)
  return ({ query }, { userId }) => {
    if (userId !== undefined && userId !== '') return ignored.some((matches) => matches(userId)) ? undefined : userId
    const own = paramsOf(query, userParams) ?? withoutHlsDirectives(query)
    return own === '' ? undefined : BY_QUERY + hash('sha256', own, 'hex').slice(0, 32)
  }
}

/** A user as people are shown it: of a query not more than tells two apart. */
export const shownUser = (user: string): string => user.startsWith(BY_QUERY) ? user.slice(0, BY_QUERY.length + 8) : user

/** The raw values of parameters, joined in their order; `undefined` unless all are there. Of several of a name the last counts. */
const paramsOf = (query: string, names: readonly string[]): string | undefined => {
  if (names.length === 0) return undefined
  const values = new Map(query.split('&').map((part): [string, string] => {
    const at = part.indexOf('=')
    return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
  }))
  const found = names.map((name) => values.get(name))
  return found.every((value) => value !== undefined && value !== '') ? found.join('&') : undefined
}
