import type { Action } from '../access/request.js'
import type { BackendSettings, Settings } from '../access/settings.js'
import { redactStoreUrl, redactUrl } from './redact.js'

const asks = (backend: BackendSettings): string => {
  const urls = backend.urls.map((url) => redactUrl(new URL(url)))
  const how = urls.length < 2 ? '' : backend.strategy === 'any' ? ' (all at once, one 200 is enough)' : ' (in this order)'
  return `asks ${urls.join(', ')}${how}`
}

const WARNING = ' (EVERYBODY gets in during an outage)'

const outage = ({ defaultAction, lastVerdictMs, timeoutMs }: BackendSettings): string =>
  `when the backend is unavailable (nothing within ${timeoutMs} ms): ${defaultAction}${defaultAction === 'allow' ? WARNING : ''}` +
  (lastVerdictMs > 0 ? `; who was allowed in the last ${lastVerdictMs} ms: allow` : '')

const extras = ({ requireHeader, denyBody, tls, rememberMs, rememberDenialMs, redirects }: BackendSettings): string[] => [
  ...(requireHeader === null ? [] : [`a 200 without ${requireHeader} is a denial`]),
  ...(denyBody ? ['a 200 whose body does not say "error": 0 is a denial'] : []),
  ...(rememberMs > 0 ? [`an allow is remembered for ${rememberMs} ms`] : []),
  ...(rememberDenialMs > 0 ? [`a denial is remembered for ${rememberDenialMs} ms`] : []),
  ...(redirects ? ['a redirect of the backend sends HTTP clients there'] : []),
  ...(tls.rejectUnauthorized ? [] : ['the certificate of the backend is NOT checked'])
]

const describeAction = (settings: Settings, action: Action): string[] => {
  const who = action === 'play' ? 'players:   ' : 'publishers:'
  const backend = settings[action]
  const rules = settings.rules.length > 0
  if (!settings.actions.includes(action)) return [`${who} OPEN${rules ? ' after the rules' : ''}, nobody is asked`]
  if ('refuse' in backend) return [`${who} refused${rules ? ' unless a rule lets them in' : ''}: ${backend.refuse}`]
  return [`${who} ${asks(backend)}`, ...[outage(backend), ...extras(backend)].map((line) => `${' '.repeat(who.length)} ${line}`)]
}

/**
 * What is in force, for the start banner: who is asked about what, what happens in an outage, and
 * what is open. Holds no credentials and no values of a query.
 */
export const describe = (settings: Settings): string[] => [
  `contract:   ${settings.contract}`,
  ...describeAction(settings, 'play'),
  ...describeAction(settings, 'publish'),
  `rules:      ${settings.rules.length === 0 ? 'none' : `${settings.rules.length}, the first that matches wins`}`,
  ...settings.rules.map(({ text }) => `            ${text}`),
  `files:      ${settings.files.open.length === 0 ? 'none' : settings.files.open.join(' ')} are open`,
  ...(settings.store === undefined ? [] : [`store:      ${settings.store.urls.map(redactStoreUrl).join(', ')}, keys begin with {${settings.store.prefix}}`]),
  ...(settings.trustProxy.length === 0 ? [] : [`proxies:    ${settings.trustProxy.join(', ')} are believed about their clients`]),
  ...(settings.proxyProtocol.length === 0 ? [] : [`            and begin with a PROXY header on ${settings.proxyProtocol.join(', ')}`])
]
