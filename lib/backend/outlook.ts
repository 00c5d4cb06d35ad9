import type { BackendSettings } from '../access/settings.js'
import type { Clock } from './clock.js'
import { Evidence } from './evidence.js'
import { createLookup, type Lookup } from './lookup.js'
import { Probe } from './probe.js'
import { placeOf } from './target.js'

/** What is known about one backend URL. */
export interface View {
  readonly evidence: Evidence
  readonly lookup: Lookup
}

/** What is known about every backend URL, shared by sections with the same settings. */
export interface Outlook {
  of(settings: BackendSettings, url: string): View
}

/** How long one question to one URL may take: with `failover` they share the time. */
const questionMsOf = ({ urls, strategy, timeoutMs }: BackendSettings): number => strategy === 'failover' ? timeoutMs / urls.length : timeoutMs

/** @param onUselessProbe gets the host and port of a backend that answers clients but not the probe */
export const createOutlook = (now: Clock, onUselessProbe: (at: string) => void = () => undefined): Outlook => {
  const views = new Map<string, View>()
  return {
    of(settings, url) {
      const { headers, params, tls, probe, unavailableStatuses } = settings
      const questionMs = questionMsOf(settings)
      // The settings that make two probes the same question.
      const key = JSON.stringify([url, headers, params, tls, questionMs, probe, [...unavailableStatuses].sort()])
      let view = views.get(key)
      if (view === undefined) {
        const lookup = createLookup(new URL(url).hostname.replace(/^\[|\]$/g, ''))
        const evidence = new Evidence(new Probe(settings, url, lookup, questionMs), now, () => onUselessProbe(placeOf(url)))
        views.set(key, view = { evidence, lookup })
      }
      return view
    }
  }
}
