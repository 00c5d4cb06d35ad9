import type { CutReason } from '../access/cut.js'
import type { AccessRequest, Action, Protocol } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'

/** An access request was decided, by whomever. */
export interface Decision {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly request: AccessRequest
  readonly verdict: Verdict
  /** From the door to the verdict, in milliseconds; absent where no door was passed. */
  readonly heldMs?: number
}

/** One client that was let in. */
export interface SessionFacts {
  readonly id: string
  readonly action: Action
  readonly protocol: Protocol
  /** Without port. */
  readonly ip: string
  readonly path: string
  readonly streamPath: string
  readonly userAgent: string
  /** As limits count; absent if nobody is known. */
  readonly user?: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Of a session that was ended for a newcomer: by which rule, and who took its place. */
  readonly goneFor?: {
    readonly rule: string
    /** `session` is not always known where the newcomer is on another server. */
    readonly by: { readonly session?: string, readonly ip: string, readonly userAgent: string }
  }
}

/** How a session ended. */
export interface SessionEnd {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly inBytes: number
  readonly outBytes: number
  /** `left`, `idle`, `closed`, `limit`, … */
  readonly reason: string
  /** What its client did to be ended, where it crossed a bound or sent what cannot be read. */
  readonly detail?: string
}

/** An outage of the backend begins or ends. */
export interface Outage {
  readonly state: 'begin' | 'end'
  /** What failed first. */
  readonly reason: string
  /** Access requests that met the outage so far. */
  readonly requests: number
}

/** What a question to one backend came to. */
export type AskedOutcome = '200' | 'denied' | 'unavailable' | 'unanswered' | 'overload'

/** What a question about a session that runs came to. */
export type RecheckResult = 'kept' | 'denied' | 'failed'

/** Which rule of the limits per user acted; `docs/operations.md` has them. */
export type LimitPolicy = 'reconnect' | 'gone' | 'zap' | 'endOldest' | 'denyNew' | 'bar'

/** What is told to whoever watches: each method is optional, and what it throws is reported and hurts nobody. */
export interface Sink {
  verdict?(decision: Decision): void
  start?(session: SessionFacts): void
  end?(session: SessionFacts, end: SessionEnd): void
  outage?(outage: Outage): void
  /** A connection was ended before a verdict. */
  cut?(ip: string, reason: CutReason, detail?: string): void
  /** A question of a client's, or about a session that runs, is over. `backend` is its host and port. */
  asked?(backend: string, outcome: AskedOutcome, ms: number): void
  recheck?(result: RecheckResult): void
  limitAction?(policy: LimitPolicy): void
}

type Event = keyof Sink
type Told = { [K in Event]: [K, ...Parameters<Required<Sink>[K]>] }[Event]

/** The one stream of all that happens. Everything that is shown, counted, written or sent comes from it. */
export interface Hub extends Required<Sink> {
  /** @returns a function that takes the sink off */
  add(sink: Sink): () => void
  /**
   * Adds a sink that is still being loaded; what happens meanwhile waits for it, the newest events
   * beyond 10,000 excepted. A load that fails is reported.
   * @returns a function that takes the sink off
   */
  addLater(loading: Promise<Sink>): () => void
}

const MAX_WAITING = 10_000

/** @param onError - a sink has failed */
export const createHub = (onError: (error: unknown) => void): Hub => {
  let sinks: readonly Sink[] = []
  const tellOne = (sink: Sink, [event, ...args]: Told): void => {
    try {
      (sink[event] as ((...given: unknown[]) => void) | undefined)?.apply(sink, args)
    } catch (error) {
      onError(error)
    }
  }
  const tell = (...event: Told): void => {
    for (const sink of sinks) tellOne(sink, event)
  }
  const add = (sink: Sink): (() => void) => {
    sinks = [...sinks, sink]
    return () => { sinks = sinks.filter((other) => other !== sink) }
  }
  const tellers = (told: (...event: Told) => void): Required<Sink> => ({
    verdict: (decision) => told('verdict', decision),
    start: (session) => told('start', session),
    end: (session, end) => told('end', session, end),
    outage: (outage) => told('outage', outage),
    cut: (ip, reason, detail) => told('cut', ip, reason, detail),
    asked: (backend, outcome, ms) => told('asked', backend, outcome, ms),
    recheck: (result) => told('recheck', result),
    limitAction: (policy) => told('limitAction', policy)
  })
  return {
    ...tellers(tell),
    add,
    addLater(loading) {
      const waiting: Told[] = []
      let taken = false
      let remove = add(tellers((...event) => { if (waiting.length < MAX_WAITING) waiting.push(event) }))
      loading.then((sink) => {
        remove()
        for (const event of waiting) tellOne(sink, event)
        if (!taken) remove = add(sink)
      }).catch((error: unknown) => {
        remove()
        onError(error)
      })
      return () => {
        taken = true
        remove()
      }
    }
  }
}
