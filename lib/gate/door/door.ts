import type { Admission } from '../../access/admission.js'
import type { Authorize } from '../../access/authorize.js'
import type { LeaveSignal } from '../../access/departure.js'
import type { Place } from '../../access/place.js'
import type { AccessRequest } from '../../access/request.js'
import { deny, type Verdict } from '../../access/verdict.js'
import { trace } from '../../trace.js'
import type { Asked } from './asked.js'
import type { Release } from './slots.js'

const debug = trace('gate')

/** What becomes of a client: it is let in, or refused with a verdict. */
export type Decision = { readonly admission: Admission } | { readonly refused: Verdict }

/** What every gate has behind it. */
export interface Door {
  /**
   * Takes a slot among the held clients for an address, or `undefined` if a limit is reached. For a
   * gate whose clients wait before they can be asked about; `admit` takes one by itself.
   */
  hold(ip: string): Release | undefined
  /**
   * Takes a client through the door: a slot, the verdict, the report, its place among those who are in. Resolves with `undefined` if
   * the client has left meanwhile: nobody was let in or refused, and nothing is reported. Never
   * rejects: a bug denies and is logged.
   *
   * @param slot - one that the client has already; free once the client is decided
   */
  admit(asked: Asked, signal: LeaveSignal, slot?: Release): Promise<Decision | undefined>
  /** Counts, logs and publishes a refusal that a gate reached by itself, and returns it. */
  refuse(request: AccessRequest, verdict: Verdict): Verdict
  /** A client who was allowed is refused even so, because of an error that is not its own. */
  readonly onBug: (error: unknown) => void
}

/** The verdict for a client for whom no slot is left. */
export const overloaded = deny('overload', 'too many clients are waiting')

interface Behind {
  readonly authorize: Authorize
  readonly hold: Door['hold']
  /** Gives a client that is let in its place among those who are. */
  readonly reserve: (request: AccessRequest, verdict: Verdict) => Place
  /** Counts, logs and publishes a verdict; `heldMs` is how long the client waited for it here. */
  readonly report: (request: AccessRequest, verdict: Verdict, heldMs?: number) => void
  /** A step of the chain, or a listener of NMS's events, failed in a way that it must not. */
  readonly onBug: Door['onBug']
}

/** Makes the door. `close` refuses everybody who is held and whoever comes later, `drain` only whoever comes later. */
export const createDoor = ({ authorize, hold, reserve, report, onBug }: Behind): Door & { close(): void, drain(): void } => {
  const held = new Set<(verdict: Verdict) => void>()
  const shutDown = deny('overload', 'authorization is being shut down')
  const drained = deny('overload', 'this server takes no newcomers, it is being stopped')
  let closed = false
  let draining = false

  const decide = (request: AccessRequest, signal: LeaveSignal): Promise<Verdict> => {
    if (closed) return Promise.resolve(shutDown)
    if (debug.enabled) debug('session %s at the door: %s %s by %s', request.sessionId, request.action, request.streamPath, request.protocol)
    const since = performance.now()
    return new Promise((resolve) => {
      const settle = (verdict: Verdict): void => {
        if (!held.delete(settle)) return
        if (!signal.aborted) report(request, verdict, performance.now() - since)
        if (debug.enabled) debug('session %s: %s by %s', request.sessionId, verdict.allowed ? 'allowed' : 'denied', verdict.source)
        resolve(verdict)
      }
      const fail = (error: unknown): void => {
        if (!signal.aborted) onBug(error)
        settle(deny('overload', signal.aborted ? 'the client left' : 'internal error'))
      }
      held.add(settle)
      try {
        authorize(request, signal).then(settle, fail)
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
    async admit(given, signal, slot) {
      const { asked } = given
      const release = 'malformed' in given ? slot : slot ?? hold(asked.ip)
      try {
        if ('malformed' in given) return { refused: refuse(asked, deny('malformed', given.malformed)) }
        if (draining && !closed) return { refused: refuse(asked, drained) }
        if (release === undefined) return { refused: refuse(asked, overloaded) }
        const verdict = await decide(asked, signal)
        if (signal.aborted) return undefined
        return verdict.allowed ? { admission: { request: asked, verdict, place: reserve(asked, verdict) } } : { refused: verdict }
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
