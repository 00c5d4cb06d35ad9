import { createRequire } from 'node:module'
import type * as Prometheus from 'prom-client'
import type { Counter, Gauge, Registry } from 'prom-client'
import type { Sink } from './hub.js'
import type { BackendState, Stats } from './stats.js'

const PREFIX = 'nms_http_auth_'
/** In seconds: a remembered allow takes microseconds, a question as long as the backend, a timeout 3 s. */
const BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

let loaded: typeof Prometheus | undefined

/** prom-client, when it is first needed. It is CommonJS, so that a property can give its registry at once. */
const prometheus = (): typeof Prometheus => loaded ??= createRequire(import.meta.url)('prom-client') as typeof Prometheus

/** `host:port` of each backend, `#n` behind those that share one: a URL may hold secrets. */
export const backendLabels = (backends: readonly Pick<BackendState, 'at'>[]): string[] => {
  const seen = new Map<string, number>()
  const count = (at: string): number => backends.filter((backend) => backend.at === at).length
  return backends.map(({ at }) => {
    const n = (seen.get(at) ?? 0) + 1
    seen.set(at, n)
    return count(at) > 1 ? `${at}#${n}` : at
  })
}

export interface Metrics {
  readonly registry: Registry
  /** Measures durations as they occur; everything else is read from `stats()` at a scrape. */
  readonly sink: Sink
}

/**
 * Prometheus metrics on a registry of their own. Counters are those of `stats()`, counted since the plugin was attached;
 * durations are measured from now on. No label has a user, address, stream or session.
 */
export const createMetrics = (stats: () => Stats): Metrics => {
  const prom = prometheus()
  const registry = new prom.Registry()
  const registers = [registry]
  let last = stats()

  /** A metric whose values are read at each scrape from what is counted anyway. */
  const read = <M extends Counter | Gauge>(
    Kind: new (options: ConstructorParameters<typeof prom.Gauge>[0]) => M, name: string, help: string, labelNames: string[],
    rows: (stats: Stats) => Iterable<readonly [labels: readonly string[], value: number]>
  ): void => {
    new Kind({
      name: PREFIX + name, help, labelNames, registers,
      collect(this: { reset(): void, inc(labels: Record<string, string>, value: number): void }) {
        this.reset()
        for (const [labels, value] of rows(last)) this.inc(Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? ''])), value)
      }
    })
  }
  const entries = (values: object): (readonly [string[], number])[] => Object.entries(values).map(([key, value]) => [[key], Number(value)] as const)
  const only = (value: number): (readonly [string[], number])[] => [[[], value]]
  const backends = (value: (state: BackendState) => boolean) => ({ backends: all }: Stats): (readonly [string[], number])[] => {
    const labels = backendLabels(all)
    return all.map((state, index) => [[labels[index] ?? ''], value(state) ? 1 : 0] as const)
  }
  const Counting = prom.Counter as unknown as new (options: ConstructorParameters<typeof prom.Gauge>[0]) => Counter

  read(Counting, 'verdicts_total', 'Access requests that were decided.', ['action', 'protocol', 'source', 'verdict'], function* ({ verdicts }) {
    for (const [action, protocols] of Object.entries(verdicts)) {
      for (const [protocol, sources] of Object.entries(protocols)) {
        for (const [source, tally] of Object.entries(sources)) {
          yield [[action, protocol, source, 'allowed'], tally.allowed]
          yield [[action, protocol, source, 'denied'], tally.denied]
        }
      }
    }
  })
  read(prom.Gauge, 'sessions', 'Clients that are in now.', ['action', 'protocol'], function* ({ sessions }) {
    for (const [action, protocols] of Object.entries(sessions)) {
      for (const [protocol, count] of Object.entries(protocols)) yield [[action, protocol], count]
    }
  })
  read(prom.Gauge, 'held', 'Clients that wait at the door now.', [], ({ held }) => only(held))
  read(Counting, 'default_allowed_total', 'Clients let in during an outage, by the default action or a last verdict.', [], ({ verdicts }) => {
    const tallies = Object.values(verdicts).flatMap((protocols) => Object.values(protocols))
    return only(tallies.reduce((sum, sources) => sum + (sources.default?.allowed ?? 0) + (sources['last-verdict']?.allowed ?? 0), 0))
  })
  read(Counting, 'sessions_ended_total', 'Sessions that ended.', ['reason'], ({ ended }) => entries(ended))
  read(Counting, 'rechecks_total', 'Questions about sessions that run.', ['result'], ({ rechecks }) => entries(rechecks))
  read(Counting, 'limit_actions_total', 'What limits per user did.', ['policy'], ({ limitActions }) => entries(limitActions))
  read(Counting, 'cut_total', 'Connections ended before a verdict.', ['reason'], ({ cuts }) => entries(cuts))
  read(Counting, 'dropped_total', 'Lines of the audit and events of the webhook that were lost.', ['sink'], ({ dropped }) => entries(dropped))
  read(prom.Gauge, 'breaker_open', 'Whether the breaker before a backend is open.', ['backend'], backends(({ breakerOpen }) => breakerOpen))
  read(prom.Gauge, 'backend_up', 'Whether a backend is in no outage.', ['backend'], backends(({ up }) => up))
  read(prom.Gauge, 'dry_run', 'Whether clients are let in whatever the verdict.', [], ({ dryRun }) => only(dryRun ? 1 : 0))
  if (last.store !== undefined) {
    read(Counting, 'store_errors_total', 'Commands of the store that failed.', [], ({ store }) => only(store?.errors ?? 0))
    read(prom.Gauge, 'store_up', 'Whether the store answers.', [], ({ store }) => only(store?.up === true ? 1 : 0))
  }

  const held = new prom.Histogram({
    name: `${PREFIX}verdict_duration_seconds`, help: 'From the door to the verdict.', labelNames: ['source'], buckets: BUCKETS, registers
  })
  const asked = new prom.Histogram({
    name: `${PREFIX}backend_duration_seconds`, help: 'From the question to what came of it.', labelNames: ['backend', 'outcome'], buckets: BUCKETS, registers
  })
  const metrics = registry.metrics.bind(registry)
  const getMetricsAsJSON = registry.getMetricsAsJSON.bind(registry)
  // All metrics of a scrape use one reading: they agree with each other, and 100,000 sessions are read only once.
  registry.metrics = () => { last = stats(); return metrics() }
  registry.getMetricsAsJSON = () => { last = stats(); return getMetricsAsJSON() }
  return {
    registry,
    sink: {
      verdict({ verdict, heldMs }) { if (heldMs !== undefined) held.observe({ source: verdict.source }, heldMs / 1000) },
      asked: (backend, outcome, ms) => asked.observe({ backend, outcome }, ms / 1000)
    }
  }
}

/** Creates the metrics when they are first used, and adds their sink then. */
export const metricsOnDemand = (stats: () => Stats, onMade: (sink: Sink) => void): (() => Registry) => {
  let made: Metrics | undefined
  return () => {
    if (made === undefined) {
      made = createMetrics(stats)
      onMade(made.sink)
    }
    return made.registry
  }
}

/**
 * The text of a registry and of Node's own process metrics. These have a registry of their own, because an app that has
 * them already could not merge two. Nothing is created before the first scrape.
 */
export const metricsText = (registry: () => Registry): (() => Promise<string>) => {
  let ofProcess: Registry | undefined
  return async () => {
    if (ofProcess === undefined) {
      ofProcess = new (prometheus().Registry)()
      prometheus().collectDefaultMetrics({ register: ofProcess })
    }
    return `${await registry().metrics()}\n${await ofProcess.metrics()}`
  }
}
