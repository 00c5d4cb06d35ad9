import { hash } from 'node:crypto'
import { withoutHlsDirectives } from '../access/hls-query.js'
import type { AccessRequest } from '../access/request.js'
import type { LimitSettings } from '../access/settings.js'
import { rulePath } from '../policy/rule-path.js'

/** Returns the user of a request; `undefined` is none, who has no limit. Never uses the address. */
export type UserOf = (request: AccessRequest, facts: { readonly userId?: string | undefined }) => string | undefined

/** Prefix of users identified only by a query. */
const BY_QUERY = 'query:'

/**
 * The backend's `X-UserId`; else the values of `userParams`, if all are present; else the raw query. A client can vary
 * its query and so become another user, but never one that the backend names.
 */
export const createUserOf = ({ userParams, ignoreUsers }: Pick<LimitSettings, 'userParams' | 'ignoreUsers'>): UserOf => {
  const ignored = ignoreUsers.map(rulePath)
  return ({ query }, { userId }) => {
    if (userId !== undefined && userId !== '') return ignored.some((matches) => matches(userId)) ? undefined : userId
    const own = paramsOf(query, userParams) ?? withoutHlsDirectives(query)
    return own === '' ? undefined : BY_QUERY + hash('sha256', own, 'hex').slice(0, 32)
  }
}

/** A user as shown to people; of a query only enough to tell two apart. */
export const shownUser = (user: string): string => user.startsWith(BY_QUERY) ? user.slice(0, BY_QUERY.length + 8) : user

/** The raw values of parameters, joined in order; `undefined` unless all are present. The last of several with one name counts. */
const paramsOf = (query: string, names: readonly string[]): string | undefined => {
  if (names.length === 0) return undefined
  const values = new Map(query.split('&').map((part): [string, string] => {
    const at = part.indexOf('=')
    return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
  }))
  const found = names.map((name) => values.get(name))
  return found.every((value) => value !== undefined && value !== '') ? found.join('&') : undefined
}
