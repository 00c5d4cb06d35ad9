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
  (lastVerdictMs > 0 ? `; allowed in the last ${lastVerdictMs} ms: allow` : '')

const extras = ({ requireHeader, denyBody, tls, rememberMs, rememberDenialMs, redirects }: BackendSettings): string[] => [
  ...(requireHeader === null ? [] : [`a 200 without ${requireHeader} is a denial`]),
  ...(denyBody ? ['a 200 whose body does not say "error": 0 is a denial'] : []),
  ...(rememberMs > 0 ? [`an allow is remembered for ${rememberMs} ms`] : []),
  ...(rememberDenialMs > 0 ? [`a denial is remembered for ${rememberDenialMs} ms`] : []),
  ...(redirects ? ['a redirect of the backend sends HTTP clients there'] : []),
  ...(tls.rejectUnauthorized ? [] : ['the certificate of the backend is NOT checked'])
]

/** Publishers are re-checked only if their section says so. */
const rechecks = ({ publish, play }: Settings, action: Action, { recheck, recheckMs }: BackendSettings): string[] => {
  if (action === 'publish' && (publish === play || recheck === false)) return []
  if (recheck === false) return ['running sessions are never asked about again']
  return [`running sessions are asked about again when X-AuthDuration is over${recheckMs > 0 ? `, or else every ${recheckMs} ms` : ''}`]
}

const limits = ({ limits: set }: Settings): string => {
  if (set === false) return 'none, whatever the backend says'
  const fallback = set.perUser === 0 ? 'no limit' : `${set.perUser} sessions`
  return `sessions per user: X-Max-Sessions or X-Unique, or else ${fallback}; at the limit ${set.whenFull === 'endOldest' ? 'the oldest ends' : 'newcomers are refused'}`
}

const describeAction = (settings: Settings, action: Action): string[] => {
  const who = action === 'play' ? 'players:   ' : 'publishers:'
  const backend = settings[action]
  const rules = settings.rules.length > 0
  if (!settings.actions.includes(action)) return [`${who} OPEN${rules ? ' after the rules' : ''}, the backend is not asked`]
  if ('refuse' in backend) return [`${who} refused${rules ? ' unless a rule lets them in' : ''}: ${backend.refuse}`]
  return [`${who} ${asks(backend)}`, ...[outage(backend), ...extras(backend), ...rechecks(settings, action, backend)].map((line) => `${' '.repeat(who.length)} ${line}`)]
}

/**
 * The options in force, for the start banner: which backend decides what, what happens in an outage, and
 * what is open. Contains no credentials and no query values.
 */
export const describe = (settings: Settings): string[] => [
  `contract:   ${settings.contract}`,
  ...describeAction(settings, 'play'),
  ...describeAction(settings, 'publish'),
  `limits:     ${limits(settings)}`,
  `rules:      ${settings.rules.length === 0 ? 'none' : `${settings.rules.length}, the first that matches wins`}`,
  ...settings.rules.map(({ text }) => `            ${text}`),
  `files:      ${settings.files.open.length === 0 ? 'none' : settings.files.open.join(' ')} are open`,
  ...(settings.store === undefined ? [] : [`store:      ${settings.store.urls.map(redactStoreUrl).join(', ')}, keys begin with {${settings.store.prefix}}`]),
  ...(settings.trustProxy.length === 0 ? [] : [`proxies:    ${settings.trustProxy.join(', ')} are believed`]),
  ...(settings.proxyProtocol.length === 0 ? [] : [`            and begin with a PROXY header on ${settings.proxyProtocol.join(', ')}`])
]
