import type { Authorize } from '../access/authorize.js'
import type { LeaveSignal } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import type { Clock } from './target.js'

/** Asks one backend within a budget of milliseconds. */
export type Ask = (request: AccessRequest, signal: LeaveSignal, budgetMs: number) => Promise<Verdict>

/** How long a backend that was unavailable is asked last, in milliseconds. */
export const DOWN_MS = 10_000

/** All that failed as one; a single one stays what it is. */
const together = (outages: readonly BackendUnavailable[]): BackendUnavailable => {
  const [first] = outages
  if (outages.length === 1 && first !== undefined) return first
  const messages = [...new Set(outages.map(({ message }) => message))]
  return new BackendUnavailable(messages.join('; '), { cause: new AggregateError(outages, 'every backend is unavailable') })
}

/**
 * The next backend is asked only when one is unavailable. A backend that was is asked last for
 * `DOWN_MS`; after that one request at a time tries it first again.
 *
 * Each has an equal share of the time that is left, or one that never answers would leave none
 * to the next.
 */
export const failover = (asks: readonly Ask[], timeoutMs: number, now: Clock): Authorize => {
  const backends = asks.map((ask) => ({ ask, downUntil: 0 }))
  return async (request, signal) => {
    const start = now()
    const up = backends.filter(({ downUntil }) => downUntil <= start)
    const order = [...up, ...backends.filter(({ downUntil }) => downUntil > start)]
    const outages: BackendUnavailable[] = []
    for (const [index, backend] of order.entries()) {
      const leftMs = Math.ceil(timeoutMs - (now() - start))
      if (leftMs <= 0) break
      // It was down and may be up again: until that is known the others do not wait for it.
      if (backend.downUntil > 0 && backend.downUntil <= start) backend.downUntil = now() + DOWN_MS
      try {
        const verdict = await backend.ask(request, signal, Math.ceil(leftMs / (order.length - index)))
        if (verdict.source === 'backend') backend.downUntil = 0
        return verdict
      } catch (error) {
        if (!(error instanceof BackendUnavailable)) throw error
        backend.downUntil = now() + DOWN_MS
        outages.push(error)
        if (signal.aborted) break
      }
    }
    throw together(outages)
  }
}

/**
 * All are asked at once and the first 200 wins. Without one, our own overload towards any of them
 * denies, then the outage of any is an outage, and only if all have denied it is a denial.
 */
export const any = (asks: readonly Ask[], timeoutMs: number): Authorize => (request, signal) =>
  new Promise((resolve, reject) => {
    const denials: Verdict[] = []
    const outages: BackendUnavailable[] = []
    const conclude = (): void => {
      if (denials.length + outages.length < asks.length) return
      const [first] = denials
      const own = denials.find(({ source }) => source !== 'backend')
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
