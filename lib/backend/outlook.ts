import type { BackendSettings } from '../access/settings.js'
import { Evidence, type Clock } from './evidence.js'
import { createLookup, type Lookup } from './lookup.js'
import { Probe } from './probe.js'
import { placeOf } from './target.js'

/** What is known of one backend URL. */
export interface View {
  readonly evidence: Evidence
  readonly lookup: Lookup
}

/** What is known of every backend URL. Sections that ask one alike see the same. */
export interface Outlook {
  of(settings: BackendSettings, url: string): View
}

/** A client's question must find its share of the time used up by nobody but the backend that it asks. */
const questionMsOf = ({ urls, strategy, timeoutMs }: BackendSettings): number => strategy === 'failover' ? timeoutMs / urls.length : timeoutMs

/** @param onUselessProbe is told the host and port of a backend that answers clients and not the probe */
export const createOutlook = (now: Clock, onUselessProbe: (at: string) => void = () => undefined): Outlook => {
  const views = new Map<string, View>()
  return {
    of(settings, url) {
      const { headers, params, tls, probe, unavailableStatuses } = settings
      const questionMs = questionMsOf(settings)
      // What makes two probes the same question, and two answers the same answer.
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
