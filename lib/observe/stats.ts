import type { CutReason } from '../access/cut.js'
import type { Action, Protocol } from '../access/request.js'
import type { VerdictSource } from '../access/verdict.js'
import type { LimitPolicy, RecheckResult, Sink } from './hub.js'

export interface Tally { allowed: number, denied: number }

type ByProtocol<T> = Partial<Record<Action, Partial<Record<Protocol, T>>>>

/** The state of one backend. */
export interface BackendState {
  /** Host and port; the URL may hold secrets. */
  readonly at: string
  /** False during an outage. */
  readonly up: boolean
  readonly breakerOpen: boolean
  /** Final statuses so far. */
  readonly answers: number
  /** Questions waiting for a status now. */
  readonly waiting: number
  /** How long the latest answer took, in milliseconds. */
  readonly latencyMs?: number
}

/** Counts since the plugin was attached; what has not occurred is absent. */
export interface Stats {
  /** Verdicts by action, protocol and source. */
  readonly verdicts: ByProtocol<Partial<Record<VerdictSource, Tally>>>
  /** Clients that are in now, by action and protocol. */
  readonly sessions: ByProtocol<number>
  /** Sessions that ended, by reason. */
  readonly ended: Readonly<Record<string, number>>
  /** Re-checks by outcome. */
  readonly rechecks: Partial<Record<RecheckResult, number>>
  /** What limits per user did. */
  readonly limitActions: Partial<Record<LimitPolicy, number>>
  /** Clients at the door now, undecided RTMP connections included. */
  readonly held: number
  /** RTMP connections cut at accept because a limit was reached. */
  readonly cutAtAccept: number
  /** Connections ended before they could be decided, by reason. */
  readonly cuts: Partial<Record<CutReason, number>>
  /** Viewers of HLS, DASH and files now. */
  readonly viewers: number
  /** Questions that got a final status, and how long that took in milliseconds. */
  readonly backend: { readonly answers: number, readonly meanMs: number, readonly maxMs: number, readonly lastMs: number }
  /** Each backend: those of players first, then those of publishers if they differ. */
  readonly backends: readonly BackendState[]
  /** What was lost because a disk or a receiver was too slow. */
  readonly dropped: { readonly audit?: number, readonly webhook?: number }
  /** The store that several servers share, if there is one. */
  readonly store?: {
    readonly up: boolean
    /** Servers that use it now, this one included. */
    readonly servers: number
    /** Commands without a valid answer in time, and connections that were lost or failed. */
    readonly errors: number
    /** How often it was away. */
    readonly outages: number
    /** Places of users' limits that this server holds. */
    readonly places: number
  }
  /** Whether a dry run is on. */
  readonly dryRun: boolean
}

/** The counts that other parts of the plugin keep. */
export type Elsewhere = 'held' | 'viewers' | 'backends' | 'dropped' | 'store' | 'dryRun'

/** Counts what passes through the hub. */
export interface Counters extends Sink {
  read(): Omit<Stats, Elsewhere>
}

const add = <K extends string>(counts: Partial<Record<K, number>>, key: K, n = 1): void => { counts[key] = (counts[key] ?? 0) + n }

export const createCounters = (): Counters => {
  const verdicts: Stats['verdicts'] = {}
  const sessions: Stats['sessions'] = {}
  const ended: Record<string, number> = {}
  const rechecks: Stats['rechecks'] = {}
  const limitActions: Stats['limitActions'] = {}
  const cuts: Stats['cuts'] = {}
  let answers = 0
  let totalMs = 0
  let maxMs = 0
  let lastMs = 0
  return {
    verdict({ request: { action, protocol }, verdict: { source, allowed, latencyMs } }) {
      const tally = ((verdicts[action] ??= {})[protocol] ??= {})[source] ??= { allowed: 0, denied: 0 }
      tally[allowed ? 'allowed' : 'denied'] += 1
      if (latencyMs === undefined) return
      answers += 1
      totalMs += latencyMs
      lastMs = latencyMs
      maxMs = Math.max(maxMs, latencyMs)
    },
    start: ({ action, protocol }) => add(sessions[action] ??= {}, protocol),
    end({ action, protocol }, { reason }) {
      add(sessions[action] ??= {}, protocol, -1)
      add(ended, reason)
    },
    cut: (_, reason) => add(cuts, reason),
    recheck: (result) => add(rechecks, result),
    limitAction: (policy) => add(limitActions, policy),
    read: () => ({
      verdicts: structuredClone(verdicts),
      sessions: structuredClone(sessions),
      ended: { ...ended },
      rechecks: { ...rechecks },
      limitActions: { ...limitActions },
      cutAtAccept: cuts.limit ?? 0,
      cuts: { ...cuts },
      backend: { answers, meanMs: answers === 0 ? 0 : totalMs / answers, maxMs, lastMs }
    })
  }
}
