import { isIP } from 'node:net'
import { isNetwork } from '../access/address.js'
import { PLACEHOLDERS } from '../access/placeholders.js'

/** The plugin's own five headers, and what HTTP itself needs; a backend may read `_` as `-`. */
const OWN_HEADERS = ['x-session-id', 'x-real-ip', 'x-real-path', 'x-real-origin', 'x-real-ua']
const HTTP_HEADERS = [
  'host', 'content-length', 'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate',
  'proxy-authorization', 'te', 'trailer', 'trailers', 'transfer-encoding', 'upgrade', 'expect'
]

const urlProblem = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return 'must be a URL such as http://127.0.0.1:6000'
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must begin with http:// or https://'
  if (url.username !== '' || url.password !== '') {
    return 'must not carry a name and password; send them with headers: { "Authorization": "Basic …" }'
  }
  if (url.hash !== '') return 'must not have a fragment (#…), because it is never sent'
  return undefined
}

/** The format of a browser's `Origin`. */
const originProblem = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'must be an origin such as https://tv.example.com'
  return url.href === `${url.origin}/` && !text.endsWith('/') ? undefined : `must be scheme, host and port alone: ${url.origin}`
}

const templateProblem = (text: string): string | undefined => {
  for (const [, name = ''] of text.matchAll(/\{(\w+)\}/g)) {
    if (!PLACEHOLDERS.some((known) => known === name)) {
      return `{${name}} is not known, use ${PLACEHOLDERS.map((known) => `{${known}}`).join(', ')}`
    }
  }
  return undefined
}

const headerNameProblem = (name: string): string | undefined => {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'is not a legal header name'
  const plain = name.toLowerCase().replaceAll('_', '-')
  if (OWN_HEADERS.includes(plain)) return 'is a header that the plugin sets itself'
  return HTTP_HEADERS.includes(plain) ? 'is a header of the connection and cannot be set' : undefined
}

/** Headers that the webhook sets itself are rejected. */
const webhookHeaderProblem = (name: string): string | undefined =>
  ['content-type', 'x-signature'].includes(name.toLowerCase()) ? 'is a header that the webhook sets itself' : headerNameProblem(name)

const streamPatternProblem = (text: string): string | undefined => {
  const segments = text.split('/').filter((segment) => segment !== '')
  const count = (name: string): number => segments.filter((segment) => segment === name).length
  const known = segments.every((segment) => segment === '{app}' || segment === '{stream}' || /^[^{}*\\]+$/.test(segment))
  if (!known || segments.includes('..') || segments.includes('.')) {
    return 'must be directories, each {app}, {stream} or plain text'
  }
  return count('{app}') === 1 && count('{stream}') === 1 ? undefined : 'must name {app} once and {stream} once'
}

const storeUrlProblem = (text: string): string | undefined => {
  if (text.startsWith('/')) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return 'must be a URL such as redis://127.0.0.1:6379, or the path of a Unix socket'
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') return 'must begin with redis:// or rediss://, or be the path of a Unix socket'
  return /^\/?\d*$/.test(url.pathname) ? undefined : 'may have only a database number after its host'
}

/**
 * Checks beyond the schema, as JSON schema formats: each returns what is wrong with a text, in words that
 * follow the option's path, or nothing.
 */
export const FORMATS: Readonly<Record<string, (text: string) => string | undefined>> = {
  'backend-url': urlProblem,
  'store-url': storeUrlProblem,
  'store-prefix': (text) => /^[\w.:-]{1,64}$/.test(text) ? undefined : 'must be 1 to 64 letters, digits, and any of _ . : -',
  origin: originProblem,
  'origin-or-all': (text) => text === '*' ? undefined : originProblem(text),
  network: (text) => isNetwork(text) ? undefined : 'must be an IPv4 or IPv6 address or a CIDR network',
  address: (text) => isIP(text) !== 0 ? undefined : 'must be an IPv4 or IPv6 address',
  'host-name': (text) => /^(?:[a-z\d_-]+(?:\.[a-z\d_-]+)*|\[[\da-f:.]+\])$/i.test(text) ? undefined : 'must be a host name or an address, without scheme and port',
  template: templateProblem,
  'webhook-header-name': webhookHeaderProblem,
  'header-name': headerNameProblem,
  'header-value': (text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text) ? undefined : 'has characters that no header may have',
  'response-header-name': (text) => /^[\w!#$%&'*+.^`|~-]+$/.test(text) ? undefined : 'must be a legal header name',
  'rule-path': (text) => /^[/*]/.test(text) ? undefined : 'must begin with / or *',
  extension: (text) => /^\.?[a-z\d]{1,16}$/i.test(text) ? undefined : 'must be an extension such as .html',
  'probe-path': (text) => /^\/[!-"$->@-~]{0,254}$/.test(text) ? undefined : 'must begin with / and be printable ASCII without ? and #, of at most 255 characters',
  'probe-query': (text) => /^[!-"$-~]{0,1024}$/.test(text) ? undefined : 'must be printable ASCII without spaces and #, of at most 1024 characters, such as token=probe',
  'stream-pattern': streamPatternProblem
}
