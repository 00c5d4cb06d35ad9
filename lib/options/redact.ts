/** A URL for people: its query's values hidden, without credentials. */
export const redactUrl = (url: URL): string => {
  const names = [...url.searchParams].map(([name, value]) => value === '' ? '***' : `${encodeURIComponent(name)}=***`)
  return `${url.protocol}//${url.host}${url.pathname}${names.length === 0 ? '' : `?${names.join('&')}`}`
}

/** Where a store is, without user, password and options. */
export const redactStoreUrl = (text: string): string => {
  if (text.startsWith('/')) return text.split('?', 1)[0] ?? ''
  const url = new URL(text)
  return `${url.protocol}//${url.host}${url.pathname}`
}

const MAX_SHOWN = 60

/** Options below which every text may be a secret. */
const SECRET = /\.(?:headers|params|tls|token|secret|store|probe)\b/

/** What was given for an option, in words for an error message that may be pasted anywhere. */
export const shown = (path: string, value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  // Whatever could hold a query, credentials or a key stays unseen, also where it does not belong.
  if (SECRET.test(path)) return `a ${typeof value} that is not shown here`
  if (typeof value !== 'string') return typeof value === 'number' ? String(value) : `a ${typeof value}`
  if (value === '') return 'an empty string'
  return /[?@=]|-----|:\/\//.test(value) || value.length > MAX_SHOWN ? 'a string that is not shown here' : JSON.stringify(value)
}
