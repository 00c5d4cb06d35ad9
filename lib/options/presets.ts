import { deepFreeze } from './deep-freeze.js'
import type { LimitsOptions } from './limits.js'
import type { BackendOptions } from './options.js'
import type { RecheckOptions } from './recheck.js'

/** Everything about one portal. */
export interface Preset {
  /** For the start banner. */
  readonly title: string
  /** Default of the operator's `url`. */
  readonly url?: string
  /**
   * Paths of the portal's endpoint, the most common first. A URL with an empty path gets the first one; a
   * URL that ends with the beginning of one gets the rest of it; any other URL is complete.
   */
  readonly endpoints: readonly string[]
  /** Hosts (and their subdomains) for which an empty path means another endpoint than the first. */
  readonly hosted?: Readonly<Record<string, string>>
  /** Well-known directories of the portal that do not lead to its endpoint. */
  readonly aside?: readonly string[]
  /** Backend options that the portal needs; the operator's values override them. */
  readonly backend: Pick<BackendOptions, 'requireHeader' | 'denyBody' | 'params' | 'recheckMs'> & { readonly recheck?: RecheckOptions }
  /** Limits that the portal needs. */
  readonly limits?: LimitsOptions
  /** Why publishers without a rule or a `publish` section are refused; absent if the backend knows publishers. */
  readonly refusesPublishers?: string
}

const refusesPublishers = (title: string): string =>
  `${title} knows viewers, not publishers: a rule or a publish section must let them in`

/**
 * The presets by name. A new portal is one more entry here and nothing anywhere else: the option's
 * type, the schema and the messages are derived from the names.
 */
const entries = deepFreeze({
  custom: {
    title: 'custom backend',
    endpoints: [],
    backend: {}
  },
  // Stalker and Ministra are one product under two names; its cloud has the script without the prefix.
  ministra: {
    title: 'Ministra',
    endpoints: [
      '/stalker_portal/server/api/chk_flussonic_tmp_link.php',
      '/server/api/chk_flussonic_tmp_link.php'
    ],
    hosted: { 'ministra.pro': '/server/api/chk_flussonic_tmp_link.php' },
    aside: ['c'],
    // A PHP fatal error answers 200 as well, but never with the viewer's id.
    // A token is dead after five seconds: whoever is asked about again is out, so not before its time.
    backend: { requireHeader: 'X-UserId', recheck: { early: false, afterOutage: false } },
    // Its links for Wowza and those to other servers have no box of their own.
    limits: { ignoreUsers: ['1', '/*'] },
    refusesPublishers: refusesPublishers('Ministra')
  },
  iptvportal: {
    title: 'IPTVPORTAL',
    url: 'https://go.iptvportal.cloud',
    endpoints: ['/auth/arescrypt/'],
    backend: { recheck: { afterOutage: false } },
    refusesPublishers: refusesPublishers('IPTVPORTAL')
  },
  smarty: {
    title: 'Smarty',
    endpoints: ['/tvmiddleware/api/streamservice/token/check/'],
    // The token is bound to content and address only if the media server names both.
    backend: { params: { name: '{stream}', ip: '{ip}' }, denyBody: true, recheckMs: 180_000 },
    refusesPublishers: refusesPublishers('Smarty')
  },
  // The many backends that were written for that server; where they answer is their own affair.
  flussonic: {
    title: 'Flussonic',
    endpoints: [],
    backend: {
      params: {
        name: '{app}/{stream}', ip: '{ip}', proto: '{proto}', session_id: '{sessionId}',
        request_type: '{requestType}', request_number: '{requestNumber}'
      },
      recheckMs: 180_000
    },
    limits: { userParams: ['token'] },
    refusesPublishers: refusesPublishers('Flussonic')
  }
} satisfies Record<string, Preset>)

/** Names of the presets. */
export type PresetName = keyof typeof entries

export const PRESETS: Readonly<Record<PresetName, Preset>> = entries

const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '')

/** How many segments at the end of `given` begin `endpoint`. */
const overlap = (given: readonly string[], endpoint: readonly string[]): number => {
  for (let length = Math.min(given.length, endpoint.length); length > 0; length -= 1) {
    if (given.slice(-length).every((segment, index) => segment === endpoint[index])) return length
  }
  return 0
}

/** Completes the path of a URL; host and query stay. */
export const completeUrl = (url: URL, { endpoints, hosted = {}, aside = [] }: Preset): URL => {
  const whole = new URL(url)
  const given = segmentsOf(url.pathname)
  if (given.length > 1 && aside.includes(given.at(-1) ?? '')) given.pop()
  if (given.length === 0) {
    const host = Object.keys(hosted).find((name) => url.hostname === name || url.hostname.endsWith(`.${name}`))
    whole.pathname = (host === undefined ? endpoints[0] : hosted[host]) ?? url.pathname
    return whole
  }
  for (const endpoint of endpoints) {
    const segments = segmentsOf(endpoint)
    const known = overlap(given, segments)
    if (known === 0) continue
    whole.pathname = `/${[...given, ...segments.slice(known)].join('/')}${endpoint.endsWith('/') ? '/' : ''}`
    return whole
  }
  return whole
}
