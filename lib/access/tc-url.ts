import { MAX_HOST_BYTES, MAX_PATH_BYTES, MAX_QUERY_BYTES } from './bounds.js'

/** Why a `tcUrl` is rejected; `undefined` if it is safe for any parser. */
export const mistakeInTcUrl = (tcUrl: unknown): string | undefined => {
  if (typeof tcUrl !== 'string') return 'connect without a tcUrl'
  if (tcUrl.length > MAX_HOST_BYTES + MAX_PATH_BYTES + MAX_QUERY_BYTES) return 'tcUrl too long'
  // A parser skips these, so it could find the host elsewhere.
  if (/[\x00-\x1f]|^ /.test(tcUrl)) return 'tcUrl is no URL'
  const [, authority = ''] = /^[a-z][a-z0-9+.-]*:[/\\]*([^/\\?#]*)/i.exec(tcUrl) ?? []
  if (Buffer.byteLength(authority) > MAX_HOST_BYTES) return 'host too long'
  return URL.canParse(tcUrl) ? undefined : 'tcUrl is no URL'
}
