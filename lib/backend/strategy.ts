import type { Authorize } from '../access/authorize.js'
import type { LeaveSignal } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import { deny, type Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import type { Clock } from './clock.js'

/** Asks one backend within a budget of milliseconds. */
export type Ask = (request: AccessRequest, signal: LeaveSignal, budgetMs: number) => Promise<Verdict>

/** How long an unavailable backend is asked last, in milliseconds. */
export const DOWN_MS = 10_000

/** Combines several failures into one; a single one stays as it is. */
const together = (outages: readonly BackendUnavailable[]): BackendUnavailable => {
  const [first] = outages
  if (outages.length === 1 && first !== undefined) return first
  const each = (text: (outage: BackendUnavailable) => string): string => [...new Set(outages.map(text))].join('; ')
  return new BackendUnavailable(each(({ message }) => message), {
    forClients: each(({ forClients }) => forClients),
    suspects: [...new Set(outages.flatMap(({ suspects }) => suspects))],
    cause: new AggregateError(outages, 'every backend is unavailable')
  })
}

/** The verdict to report if no backend has answered: `overload` if for one of them nobody knows whether it answers others. */
const leastKnown = (verdicts: readonly Verdict[]): Verdict | undefined =>
  verdicts.find(({ source }) => source === 'overload') ?? verdicts.find(({ source }) => source === 'unanswered')

/**
 * Asks the next backend if one has not answered. It is an outage only if every backend is proven to be down. A backend
 * proven to be down is asked last for `DOWN_MS`; after that one request at a time tries it first again.
 *
 * Each gets an equal share of the remaining time; otherwise one that never answers would leave none for the next.
 */
export const failover = (asks: readonly Ask[], timeoutMs: number, now: Clock): Authorize => {
  const backends = asks.map((ask) => ({ ask, downUntil: 0 }))
  return async (request, signal) => {
    const start = now()
    const up = backends.filter(({ downUntil }) => downUntil <= start)
    const order = [...up, ...backends.filter(({ downUntil }) => downUntil > start)]
    const outages: BackendUnavailable[] = []
    const unanswered: Verdict[] = []
    for (const [index, backend] of order.entries()) {
      const leftMs = Math.ceil(timeoutMs - (now() - start))
      if (leftMs <= 0) {
        unanswered.push(deny('overload', 'no time was left to ask every backend'))
        break
      }
      // It was down and may be up again: until that is known, other requests do not wait for it.
      if (backend.downUntil > 0 && backend.downUntil <= start) backend.downUntil = now() + DOWN_MS
      try {
        const verdict = await backend.ask(request, signal, Math.ceil(leftMs / (order.length - index)))
        if (verdict.source === 'backend') backend.downUntil = 0
        if (verdict.source !== 'unanswered' && verdict.source !== 'overload') return verdict
        unanswered.push(verdict)
      } catch (error) {
        if (!(error instanceof BackendUnavailable)) throw error
        backend.downUntil = now() + DOWN_MS
        outages.push(error)
      }
      if (signal.aborted) throw signal.reason
    }
    const verdict = leastKnown(unanswered)
    if (verdict === undefined) throw together(outages)
    return verdict
  }
}

/**
 * Asks all backends at once; the first 200 wins. Otherwise, in this order: `overload` of any, `unanswered` of any, an outage
 * of any; only if all have denied is it a denial.
 */
export const any = (asks: readonly Ask[], timeoutMs: number): Authorize => (request, signal) =>
  new Promise((resolve, reject) => {
    const denials: Verdict[] = []
    const outages: BackendUnavailable[] = []
    const conclude = (): void => {
      if (denials.length + outages.length < asks.length) return
      const [first] = denials
      const own = leastKnown(denials) ?? denials.find(({ source }) => source !== 'backend')
      if (own !== undefined) resolve(own)
      else if (outages.length > 0 || first === undefined) reject(together(outages))
      else resolve(denials.find(({ fault }) => fault !== undefined) ?? first)
    }
    for (const ask of asks) {
      ask(request, signal, timeoutMs).then((verdict) => {
        if (verdict.allowed) return resolve(verdict)
        denials.push(verdict)
        conclude()
      }, (error: Error) => {
        if (!(error instanceof BackendUnavailable)) return reject(error)
        outages.push(error)
        conclude()
      })
    }
  })
