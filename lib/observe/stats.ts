import type { CutReason } from '../access/cut.js'
import type { AccessRequest, Action, Protocol } from '../access/request.js'
import type { Verdict, VerdictSource } from '../access/verdict.js'

export interface Tally { allowed: number, denied: number }

/** What has been decided since the plugin was attached. */
export interface Stats {
  /** Verdicts by action, protocol and source; what has not occurred is absent. */
  readonly verdicts: Partial<Record<Action, Partial<Record<Protocol, Partial<Record<VerdictSource, Tally>>>>>>
  /** Clients at the door now, undecided RTMP connections included. */
  readonly held: number
  /** RTMP connections cut at accept because a limit was reached. */
  readonly cutAtAccept: number
  /** Connections ended before they could be decided, by reason; what has not occurred is absent. */
  readonly cuts: Partial<Record<CutReason, number>>
  /** Viewers of HLS and files now. */
  readonly viewers: number
  /** Questions that got a final status, and how long that took in milliseconds. */
  readonly backend: { readonly answers: number, readonly meanMs: number, readonly maxMs: number, readonly lastMs: number }
}

/** Counts verdicts. */
export const createCounters = (): { count: (request: AccessRequest, verdict: Verdict) => void, cut: (reason: CutReason) => void, read: () => Omit<Stats, 'held' | 'viewers'> } => {
  const verdicts: Stats['verdicts'] = {}
  const cuts: Stats['cuts'] = {}
  let answers = 0
  let totalMs = 0
  let maxMs = 0
  let lastMs = 0
  return {
    count({ action, protocol }, { source, allowed, latencyMs }) {
      const tally = ((verdicts[action] ??= {})[protocol] ??= {})[source] ??= { allowed: 0, denied: 0 }
      tally[allowed ? 'allowed' : 'denied'] += 1
      if (latencyMs === undefined) return
      answers += 1
      totalMs += latencyMs
      lastMs = latencyMs
      maxMs = Math.max(maxMs, latencyMs)
    },
    cut: (reason) => { cuts[reason] = (cuts[reason] ?? 0) + 1 },
    read: () => ({
      verdicts: structuredClone(verdicts),
      cutAtAccept: cuts.limit ?? 0,
      cuts: { ...cuts },
      backend: { answers, meanMs: answers === 0 ? 0 : totalMs / answers, maxMs, lastMs }
    })
  }
}
