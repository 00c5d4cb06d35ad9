import type { CutReason } from '../access/cut.js'
import type { AccessRequest, Action, Protocol } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'

/** An access request was decided. */
export interface Decision {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly request: AccessRequest
  readonly verdict: Verdict
  /** From the door to the verdict, in milliseconds; absent if the request did not reach the door. */
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
  /** As the limits count users; absent if unknown. */
  readonly user?: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** For a session that ended to make room: by which rule, and who took its place. */
  readonly goneFor?: {
    readonly rule: string
    /** `session` is not always known if the newcomer is on another server. */
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
  /** What the client did, if it exceeded a bound or sent something that cannot be parsed. */
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

/** The outcome of a question to one backend. */
export type AskedOutcome = '200' | 'denied' | 'unavailable' | 'unanswered' | 'overload'

/** The outcome of a re-check. */
export type RecheckResult = 'kept' | 'denied' | 'failed'

/** Which rule of the limits per user acted; see `docs/operations.md`. */
export type LimitPolicy = 'reconnect' | 'gone' | 'zap' | 'endOldest' | 'denyNew' | 'bar'

/** Receives events. Each method is optional; exceptions are reported and affect nobody else. */
export interface Sink {
  verdict?(decision: Decision): void
  start?(session: SessionFacts): void
  end?(session: SessionFacts, end: SessionEnd): void
  outage?(outage: Outage): void
  /** A connection was ended before a verdict. */
  cut?(ip: string, reason: CutReason, detail?: string): void
  /** A client's question or a re-check is over. `backend` is its host and port. */
  asked?(backend: string, outcome: AskedOutcome, ms: number): void
  recheck?(result: RecheckResult): void
  limitAction?(policy: LimitPolicy): void
}

type Event = keyof Sink
type Told = { [K in Event]: [K, ...Parameters<Required<Sink>[K]>] }[Event]

/** The one stream of events. Everything that is shown, counted, logged or sent comes from it. */
export interface Hub extends Required<Sink> {
  /** @returns a function that removes the sink */
  add(sink: Sink): () => void
  /**
   * Adds a sink that is still being loaded. Up to 10,000 events wait for it; later ones are lost. A failed load is
   * reported.
   * @returns a function that removes the sink
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
