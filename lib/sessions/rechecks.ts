import type { Authorize } from '../access/authorize.js'
import { Departure } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import type { BackendSettings } from '../access/settings.js'
import { deny, type Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import { caught, safely } from '../safely.js'
import type { Session } from './session.js'
import { createWheel, type Every } from './wheel.js'

/** What is in force for sessions of one action; `false`: they are not asked about again. */
export type RecheckSettings = Pick<BackendSettings, 'recheck' | 'recheckMs' | 'maxConnections'>

export interface RecheckHooks {
  /** Breaker and backend alone; renews what is remembered. */
  readonly ask: Authorize
  /** For the action of a session; `undefined` where its backend is not asked again. */
  readonly settingsOf: (request: AccessRequest) => RecheckSettings | undefined
  readonly requestKey: (request: AccessRequest) => string
  readonly onResult: (result: 'kept' | 'denied' | 'failed') => void
  readonly now?: () => number
  readonly random?: () => number
  readonly every?: Every
}

/** Asks the backend about sessions that run, when what it said is over. */
export interface Rechecks {
  begin(session: Session): void
  end(session: Session): void
  /** The backend answers again: who came in without its word is asked about. */
  outageEnded(): void
  /** A denial for whom the same outage has put out before; `undefined` for all others. */
  refuse(request: AccessRequest, verdict: Verdict): Verdict | undefined
  close(): void
  /** Sessions that will be asked about. */
  readonly size: number
}

/** What came to nothing is tried again after this long, in milliseconds. */
const RETRY_MS = 10_000
/** Who came in during an outage is asked about over this long, in milliseconds. */
const AFTER_OUTAGE_MS = 60_000
const MAX_STALE = 20_000
const SPREAD = 0.1

export const createRechecks = (
  { ask, settingsOf, requestKey, onResult, now = () => performance.now(), random = Math.random, every }: RecheckHooks
): Rechecks => {
  const queue = new Set<Session>()
  /** Let in by the default action or a last verdict, until the backend answers again. */
  const unasked = new Set<Session>()
  const stale = new Set<string>()
  let asking = 0
  const nobody = new Departure()

  const wheel = createWheel<Session>((session) => {
    queue.add(session)
    pump()
  }, now, every)
  const dueIn = (session: Session, ms: number): void => wheel.add(session, now() + ms)

  /** When the backend is to be asked again by what it said last; `undefined`: never. */
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
    session.failingSince ??= session.cameUnasked ? session.begunAt : dueAt
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
      session.failingSince = undefined
      session.cameUnasked = false
      session.named(verdict)
      return schedule(session, verdict.validForMs)
    }
    if ((source === 'backend' || source === 'remembered') && status >= 300 && status < 500 && fault === undefined) {
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
      session.begunAt = now()
      if (session.source === 'default' || session.source === 'last-verdict') {
        session.cameUnasked = true
        if (settings.recheck.afterOutage) unasked.add(session)
      } else if (session.source === 'backend' || session.source === 'remembered') schedule(session, session.validForMs)
    },
    end(session) {
      wheel.delete(session)
      queue.delete(session)
      unasked.delete(session)
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
