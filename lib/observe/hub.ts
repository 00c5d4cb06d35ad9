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
}

/** How a session ended. */
export interface SessionEnd {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly inBytes: number
  readonly outBytes: number
  /** `left`, `idle`, `closed`, `limit`, … */
  readonly reason: string
}

/** An outage of the backend begins or ends. */
export interface Outage {
  readonly state: 'begin' | 'end'
  /** What failed first. */
  readonly reason: string
  /** Access requests that met the outage so far. */
  readonly requests: number
}

/** What is told to whoever watches: each method is optional, and what it throws is reported and hurts nobody. */
export interface Sink {
  verdict?(decision: Decision): void
  start?(session: SessionFacts): void
  end?(session: SessionFacts, end: SessionEnd): void
  outage?(outage: Outage): void
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
   */
  addLater(loading: Promise<Sink>): void
}

const MAX_WAITING = 10_000

/** @param onError - a sink has failed */
export const createHub = (onError: (error: unknown) => void): Hub => {
  let sinks: readonly Sink[] = []
  const tell = (...[event, ...args]: Told): void => {
    for (const sink of sinks) {
      try {
        (sink[event] as ((...given: unknown[]) => void) | undefined)?.apply(sink, args)
      } catch (error) {
        onError(error)
      }
    }
  }
  const add = (sink: Sink): (() => void) => {
    sinks = [...sinks, sink]
    return () => { sinks = sinks.filter((other) => other !== sink) }
  }
  return {
    verdict: (decision) => tell('verdict', decision),
    start: (session) => tell('start', session),
    end: (session, end) => tell('end', session, end),
    outage: (outage) => tell('outage', outage),
    add,
    addLater(loading) {
      const waiting: ((sink: Sink) => void)[] = []
      const wait = (later: (sink: Sink) => void): void => { if (waiting.length < MAX_WAITING) waiting.push(later) }
      const remove = add({
        verdict: (decision) => wait((sink) => sink.verdict?.(decision)),
        start: (session) => wait((sink) => sink.start?.(session)),
        end: (session, end) => wait((sink) => sink.end?.(session, end)),
        outage: (outage) => wait((sink) => sink.outage?.(outage))
      })
      loading.then((sink) => {
        remove()
        add(sink)
        for (const later of waiting) later(sink)
      }).catch((error: unknown) => {
        remove()
        onError(error)
      })
    }
  }
}
