import type { Authorize } from '../access/authorize.js'
import { Departure } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import { deny, type Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import { caught, safely } from '../safely.js'
import type { RecheckSettings } from './recheck-settings.js'
import type { Session } from './session.js'
import { createWheel, type Every } from './wheel.js'

export interface RecheckHooks {
  /** Breaker and backend only; renews what is remembered. */
  readonly ask: Authorize
  /** Settings for the action of a session; `undefined` if its backend is not asked again. */
  readonly settingsOf: (request: AccessRequest) => RecheckSettings | undefined
  readonly requestKey: (request: AccessRequest) => string
  readonly onResult: (result: 'kept' | 'denied' | 'failed') => void
  readonly now?: () => number
  readonly random?: () => number
  readonly every?: Every
}

/** Asks the backend about running sessions again when its last answer expires. */
export interface Rechecks {
  begin(session: Session): void
  end(session: Session): void
  /** Time of the next re-check, in milliseconds since 1970; `undefined` if none is planned or it is under way. */
  nextAt(session: Session): number | undefined
  /** The backend answers again: sessions admitted without its answer are re-checked. */
  outageEnded(): void
  /** A denial for a client that this outage has ended before; `undefined` for all others. */
  refuse(request: AccessRequest, verdict: Verdict): Verdict | undefined
  close(): void
  /** Sessions with a planned re-check. */
  readonly size: number
}

/** Time until a re-check without a result is tried again, in milliseconds. */
const RETRY_MS = 10_000
/** Sessions admitted during an outage are re-checked over this time, in milliseconds. */
const AFTER_OUTAGE_MS = 60_000
const MAX_STALE = 20_000
const SPREAD = 0.1

export const createRechecks = (
  { ask, settingsOf, requestKey, onResult, now = () => performance.now(), random = Math.random, every }: RecheckHooks
): Rechecks => {
  const queue = new Set<Session>()
  /** Admitted by the default action or a last verdict; waiting for the backend to answer again. */
  const unasked = new Set<Session>()
  const stale = new Set<string>()
  let asking = 0
  const nobody = new Departure()

  const wheel = createWheel<Session>((session) => {
    queue.add(session)
    pump()
  }, now, every)
  const dueIn = (session: Session, ms: number): void => wheel.add(session, now() + ms)

  /** Time until the next re-check, given the last answer; `undefined`: never. */
  const spanOf = ({ recheckMs }: RecheckSettings, validForMs: number | undefined): number | undefined => {
    if (validForMs === 0) return undefined
    const said = validForMs === undefined ? Infinity : Math.max(1000, validForMs)
    const own = recheckMs > 0 ? recheckMs : Infinity
    return Math.min(said, own) === Infinity ? undefined : Math.min(said, own)
  }
  const schedule = (session: Session, validForMs: number | undefined): void => {
    const settings = settingsOf(session.request)
    if (settings === undefined || settings.recheck === false) return
    const span = spanOf(settings, validForMs)
    if (span === undefined) return
    const part = random() * SPREAD * span
    dueIn(session, settings.recheck.early ? span - part : span + part)
  }
  const failed = (session: Session, dueAt: number, staleMs: number): void => {
    onResult('failed')
    session.failingSince ??= session.unaskedSince ?? dueAt
    if (staleMs === 0) return dueIn(session, RETRY_MS)
    const left = session.failingSince + staleMs - now()
    if (left > 0) return dueIn(session, Math.min(RETRY_MS, left))
    if (stale.size >= MAX_STALE) stale.delete(stale.values().next().value ?? '')
    stale.add(requestKey(session.request))
    session.close('stale')
  }
  const heard = (session: Session, verdict: Verdict, dueAt: number, staleMs: number): void => {
    const { allowed, source, status = 0, fault } = verdict
    if (allowed) {
      onResult('kept')
      if (session.failingSince !== undefined) session.failingSince = undefined
      if (session.unaskedSince !== undefined) session.unaskedSince = undefined
      session.named(verdict)
      return schedule(session, verdict.validForMs)
    }
    // A 200 that does not allow is one whose body denies (`denyBody`).
    if ((source === 'backend' || source === 'remembered') && (status === 200 || status >= 300 && status < 500) && fault === undefined) {
      onResult('denied')
      session.close('denied')
      return
    }
    failed(session, dueAt, staleMs)
  }
  const check = (session: Session): void => {
    const settings = settingsOf(session.request)
    if (settings === undefined || settings.recheck === false) return
    const { staleMs } = settings.recheck
    const dueAt = now()
    asking += 1
    session.checks += 1
    const done = (verdict: Verdict): void => {
      asking -= 1
      if (session.endReason === undefined) heard(session, verdict, dueAt, staleMs)
      pump()
    }
    ask({ ...session.request, requestNumber: session.checks }, nobody).then(done, (error: unknown) => {
      if (!(error instanceof BackendUnavailable)) caught(error)
      done(deny('default', 'unavailable'))
    }).catch((error: unknown) => { caught(error) })
  }
  const pump = (): void => {
    for (const session of queue) {
      const settings = settingsOf(session.request)
      if (settings !== undefined && asking >= Math.max(1, Math.floor(settings.maxConnections / 4))) return
      queue.delete(session)
      check(session)
    }
  }

  return {
    begin(session) {
      const settings = settingsOf(session.request)
      if (settings === undefined || settings.recheck === false) return
      if (session.source === 'default' || session.source === 'last-verdict') {
        session.unaskedSince = now()
        if (settings.recheck.afterOutage) unasked.add(session)
      } else if (session.source === 'backend' || session.source === 'remembered') schedule(session, session.validForMs)
    },
    end(session) {
      wheel.delete(session)
      queue.delete(session)
      unasked.delete(session)
    },
    nextAt(session) {
      const due = wheel.dueAt(session)
      return due === undefined ? undefined : Math.round(Date.now() + due - now())
    },
    outageEnded() {
      stale.clear()
      for (const session of unasked) dueIn(session, random() * AFTER_OUTAGE_MS)
      unasked.clear()
    },
    refuse: (request, { source }) => stale.size > 0 && (source === 'default' || source === 'last-verdict') && stale.has(requestKey(request))
      ? deny('default', 'backend unavailable, for longer than a session may go on without it')
      : undefined,
    close: safely(undefined, () => { wheel.close(); queue.clear(); unasked.clear() }),
    get size() { return wheel.size + queue.size + unasked.size }
  }
}
