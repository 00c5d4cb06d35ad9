import type { Admission } from '../../access/admission.js'
import type { Authorize } from '../../access/authorize.js'
import type { LeaveSignal } from '../../access/departure.js'
import type { Claim, Place } from '../../access/place.js'
import type { AccessRequest } from '../../access/request.js'
import { deny, type Verdict } from '../../access/verdict.js'
import { trace } from '../../trace.js'
import type { Asked } from './asked.js'
import { stopping } from './refusal.js'
import type { Release } from './slots.js'

/** A place on all servers, as the registry returns it for a newcomer. */
interface Entered { release(): void }

const debug = trace('gate')

/** The result for a client: admitted, or refused with a verdict. */
export type Decision = { readonly admission: Admission } | { readonly refused: Verdict }

/** The one way in, shared by all gates. */
export interface Door {
  /**
   * Takes a slot among the held clients for an address, or `undefined` if a limit is reached. For gates whose clients
   * wait before they can be asked about; `admit` takes one by itself.
   */
  hold(ip: string): Release | undefined
  /**
   * Takes a client through the door: a slot, the verdict, the report and its place in the registry. Resolves with
   * `undefined` if the client has left meanwhile: nothing was decided or reported. Never rejects: a bug denies and is
   * logged.
   *
   * @param slot - a slot the client has already; it is freed with the decision
   * @param claim - what the client does with its user's limit; default `any`
   */
  admit(asked: Asked, signal: LeaveSignal, slot?: Release, claim?: Claim): Promise<Decision | undefined>
  /** Counts, logs and publishes a refusal that the gate decided itself, and returns it. */
  refuse(request: AccessRequest, verdict: Verdict): Verdict
  /** An allowed client is refused because of an error on our side. */
  readonly onBug: (error: unknown) => void
}

/** The verdict if no slot is left. */
export const overloaded = deny('overload', 'too many clients are waiting')

interface Behind {
  readonly authorize: Authorize
  readonly hold: Door['hold']
  /** Refuses clients that are kept out for a while, before anybody is asked. */
  readonly bar: (request: AccessRequest) => Verdict | undefined
  /**
   * Waits for the other servers if they have a say. Resolves with a place on all of them, which goes to `reserve` or is
   * released, or with a denial.
   */
  readonly enter?: (request: AccessRequest, verdict: Verdict, claim?: Claim) => Promise<Entered | Verdict | undefined> | undefined
  /** Reserves a place in the registry for an allowed client; a denial if its user may have no more. */
  readonly reserve: (request: AccessRequest, verdict: Verdict, claim?: Claim, entered?: Entered) => Place | Verdict
  /** Counts, logs and publishes a verdict; `heldMs`: how long the client waited here. */
  readonly report: (request: AccessRequest, verdict: Verdict, heldMs?: number) => void
  /** A step of the chain, or a listener of NMS's events, threw. */
  readonly onBug: Door['onBug']
}

/** Makes the door. `close` refuses all held clients and all that come later, `drain` only those that come later. */
export const createDoor = ({ authorize, hold, bar, enter, reserve, report, onBug }: Behind): Door & { close(): void, drain(): void } => {
  const held = new Set<(verdict: Verdict) => void>()
  const shutDown = deny('overload', 'authorization is being shut down')
  let closed = false
  let draining = false

  /** Reserves in the same turn in which the verdict arrives, so that each of several newcomers of one user sees those before it. */
  const decisionOf = (request: AccessRequest, verdict: Verdict, claim: Claim, entered: Entered | undefined): { readonly verdict: Verdict, readonly place?: Place } => {
    if (!verdict.allowed) return { verdict }
    const place = reserve(request, verdict, claim, entered)
    if ('begin' in place) return { verdict, place }
    entered?.release()
    return { verdict: place }
  }
  const decide = (request: AccessRequest, signal: LeaveSignal, claim: Claim): Promise<Decision> => {
    if (closed) return Promise.resolve({ refused: shutDown })
    if (debug.enabled) debug('session %s at the door: %s %s by %s', request.sessionId, request.action, request.streamPath, request.protocol)
    const since = performance.now()
    return new Promise((resolve) => {
      const settle = (given: Verdict, entered?: Entered): void => {
        const isFirst = held.delete(settle)
        if (!isFirst || signal.aborted) entered?.release()
        if (!isFirst) return
        if (signal.aborted) return resolve({ refused: given })
        const { verdict, place } = decisionOf(request, given, claim, entered)
        report(request, verdict, performance.now() - since)
        if (debug.enabled) debug('session %s: %s by %s', request.sessionId, verdict.allowed ? 'allowed' : 'denied', verdict.source)
        resolve(place === undefined ? { refused: verdict } : { admission: { request, verdict, place } })
      }
      const fail = (error: unknown): void => {
        if (!signal.aborted) onBug(error)
        settle(deny('overload', signal.aborted ? 'the client left' : 'internal error'))
      }
      const heard = (given: Verdict): Promise<void> | void => {
        const entering = given.allowed && !signal.aborted ? enter?.(request, given, claim) : undefined
        return entering === undefined ? settle(given) : entering.then((answer) =>
          answer !== undefined && 'allowed' in answer ? settle(answer) : settle(given, answer))
      }
      held.add(settle)
      try {
        const barred = bar(request)
        if (barred === undefined) authorize(request, signal).then(heard).catch(fail)
        else settle(barred)
      } catch (error) {
        fail(error)
      }
    })
  }
  const refuse: Door['refuse'] = (request, verdict) => {
    report(request, verdict)
    return verdict
  }

  return {
    hold,
    refuse,
    onBug,
    async admit(given, signal, slot, claim = 'any') {
      const { asked } = given
      const release = 'malformed' in given ? slot : slot ?? hold(asked.ip)
      try {
        if ('malformed' in given) return { refused: refuse(asked, deny('malformed', given.malformed)) }
        if (draining && !closed) return { refused: refuse(asked, stopping) }
        if (release === undefined) return { refused: refuse(asked, overloaded) }
        const decision = await decide(asked, signal, claim)
        if (!signal.aborted) return decision
        if ('admission' in decision) decision.admission.place.end('left')
        return undefined
      } finally {
        release?.()
      }
    },
    drain() { draining = true },
    close() {
      closed = true
      for (const settle of held) settle(shutDown)
    }
  }
}
