import type { Authorize } from '../../access/authorize.js'
import type { LeaveSignal } from '../../access/departure.js'
import type { AccessRequest } from '../../access/request.js'
import { deny, type Verdict } from '../../access/verdict.js'
import { trace } from '../../trace.js'

const debug = trace('gate')

/** Frees a place among the held clients; calling it again does nothing. */
export type Release = () => void

/** What every gate has behind it. */
export interface Door {
  /**
   * Takes a place among the held clients for an address, or `undefined` if a limit is reached:
   * the caller then refuses with `overloaded`.
   */
  hold(ip: string): Release | undefined
  /**
   * Decides. Never rejects: a bug denies and is logged. The signal says that the client left.
   * The verdict has been counted, logged and published when this resolves; one that came after
   * its client left has not, since nobody was let in or refused.
   */
  decide(request: AccessRequest, signal: LeaveSignal): Promise<Verdict>
  /** Counts, logs and publishes a verdict that a gate reached by itself (malformed, overload). */
  report(request: AccessRequest, verdict: Verdict): void
  /** A client who was allowed is refused even so, because of an error that is not its own. */
  readonly onBug: (error: unknown) => void
}

/** The verdict for whom no place among the held clients is left. */
export const overloaded = deny('overload', 'too many clients are waiting')

interface Behind {
  readonly authorize: Authorize
  readonly hold: Door['hold']
  readonly report: Door['report']
  /** A step of the chain, or a listener of NMS's events, failed in a way that it must not. */
  readonly onBug: Door['onBug']
}

/** Makes the door. `close` refuses everybody who is held and whoever comes later. */
export const createDoor = ({ authorize, hold, report, onBug }: Behind): Door & { close(): void } => {
  const held = new Set<(verdict: Verdict) => void>()
  const shutDown = deny('overload', 'authorization is being shut down')
  let closed = false
  return {
    hold,
    report,
    onBug,
    decide(request, signal) {
      if (closed) return Promise.resolve(shutDown)
      if (debug.enabled) debug('session %s at the door: %s %s by %s', request.sessionId, request.action, request.streamPath, request.protocol)
      return new Promise((resolve) => {
        const settle = (verdict: Verdict): void => {
          if (!held.delete(settle)) return
          if (!signal.aborted) report(request, verdict)
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
    },
    close() {
      closed = true
      for (const settle of held) settle(shutDown)
    }
  }
}
