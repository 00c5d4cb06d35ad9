import { hostname } from 'node:os'
import { HttpAuthError } from '../errors.js'
import type { Decision, SessionEnd, SessionFacts, Sink } from '../observe/hub.js'
import type { AccessRequest } from '../access/request.js'
import type { Behind, RunningSession } from './behind.js'
import { filterOf, matches } from './filter.js'
import { createRing } from './ring.js'
import { shownDecision, shownEnd, shownSession, type EndedFor } from './shown.js'

/** How many of the newest are kept. */
const VERDICTS = 5000
const ENDS = 1000
const PAGE = { usual: 100, most: 1000 }

/** An answer in JSON. */
export interface Answer { readonly status: number, readonly body: object }

/** A request below `/api`; the path is split into segments before they are decoded. */
export interface Call {
  readonly method: string
  readonly segments: readonly string[]
  readonly params: URLSearchParams
}

export interface Api extends Sink {
  /** `undefined` if there is no such path; the allowed methods if the path does not take this one. */
  answer(call: Call): Promise<Answer | readonly string[] | undefined>
}

class Refusal extends Error {}

const ok = (body: object): Answer => ({ status: 200, body })

const numberOf = (params: URLSearchParams, name: string, usual: number, most: number): number => {
  const text = params.get(name)
  if (text === null) return usual
  if (!/^\d{1,10}$/.test(text) || Number(text) > most) throw new Refusal(`${name} must be a whole number from 0 to ${most}`)
  return Number(text)
}

/** Finds the sessions that match a filter in one turn of the event loop; only those shown are copied. */
const pageOf = <T>(found: readonly T[], params: URLSearchParams, show: (value: T) => object): { total: number, offset: number, page: object[] } => {
  const offset = numberOf(params, 'offset', 0, 1_000_000)
  const limit = numberOf(params, 'limit', PAGE.usual, PAGE.most)
  return { total: found.length, offset, page: found.slice(offset, offset + limit).map(show) }
}

/** The request of an ended session, as far as it is known. */
const requestOf = ({ id, action, protocol, ip, path, streamPath, userAgent }: SessionFacts): AccessRequest =>
  ({ sessionId: id, action, protocol, ip, path, streamPath, userAgent, origin: '', query: '' })

export const createApi = (behind: Behind): Api => {
  const verdicts = createRing<Decision>(VERDICTS)
  const ends = createRing<readonly [SessionFacts, SessionEnd]>(ENDS)
  const startedAt = Date.now()

  const sessions = (params: URLSearchParams): Answer => {
    const filter = filterOf(params)
    const found: RunningSession[] = []
    for (const session of behind.sessions) if (matches(filter, session.request, session.shownUser)) found.push(session)
    const { page, ...rest } = pageOf(found.reverse(), params, (session) => shownSession(session.record()))
    return ok({ ...rest, sessions: page })
  }
  const decided = (params: URLSearchParams): Answer => {
    const filter = filterOf(params)
    const allowed = params.get('allowed')
    const source = params.get('source')
    const found: Decision[] = []
    for (const decision of verdicts.newest()) {
      const { request, verdict } = decision
      if (matches(filter, request, verdict.userId) && (allowed === null || String(verdict.allowed) === allowed) && (source === null || verdict.source === source)) found.push(decision)
    }
    const ended = [...ends.newest()].filter(([session]) => matches(filter, requestOf(session), session.user)).slice(0, PAGE.usual)
    const endedFor = new Map<string, EndedFor[]>()
    for (const [session, { at }] of ends.newest()) {
      const taker = session.goneFor?.by.session
      if (taker !== undefined) endedFor.set(taker, [...endedFor.get(taker) ?? [], { session, at }])
    }
    const { page, ...rest } = pageOf(found, params, (decision) => shownDecision(decision, endedFor.get(decision.request.sessionId)))
    return ok({ ...rest, verdicts: page, ends: ended.map(([session, end]) => shownEnd(session, end)) })
  }
  const status = (): Answer => {
    const { version, host, settings, warnings } = behind.inForce()
    const outage = behind.outage()
    const { backends, ...stats } = behind.stats()
    return ok({
      server: `${hostname()} (${process.pid})`, version, nodeMediaServer: host, node: process.version, upSince: new Date(startedAt).toISOString(),
      ready: behind.ready(), settings, warnings, backends, stats,
      outage: outage === undefined ? null : { ...outage, since: new Date(outage.since).toISOString() }
    })
  }
  const end = async (which: { readonly id: string } | { readonly user: string }, params: URLSearchParams): Promise<Answer> => {
    const ended = await behind.end(which, numberOf(params, 'barMs', 0, 86_400_000))
    return ended > 0 ? ok({ ended }) : { status: 404, body: { error: 'id' in which ? 'no such session is running' : 'this user has no running session' } }
  }
  const reload = async (): Promise<Answer> => {
    try {
      await behind.reload()
      return ok({ reloaded: true })
    } catch (error) {
      if (!(error instanceof HttpAuthError)) throw error
      return { status: 422, body: { error: error.message } }
    }
  }

  const route = async ({ method, segments: [first = '', second, third, ...more], params }: Call): Promise<Answer | readonly string[] | undefined> => {
    const only = (allowed: string, run: () => Answer | Promise<Answer>): Answer | Promise<Answer> | readonly string[] => method === allowed ? run() : [allowed]
    if (more.length > 0) return undefined
    if (second === undefined) {
      if (first === 'sessions') return only('GET', () => sessions(params))
      if (first === 'verdicts') return only('GET', () => decided(params))
      if (first === 'status') return only('GET', status)
      if (first === 'reload') return only('POST', reload)
    } else if (second !== '') {
      if (first === 'sessions' && third === undefined) return only('DELETE', () => end({ id: second }, params))
      if (first === 'users' && third === 'sessions') return only('DELETE', () => end({ user: second }, params))
    }
    return undefined
  }
  return {
    verdict: (decision) => verdicts.add(decision),
    end: (session, how) => ends.add([session, how]),
    async answer(call) {
      try {
        return await route(call)
      } catch (error) {
        if (error instanceof Refusal) return { status: 400, body: { error: error.message } }
        throw error
      }
    }
  }
}
