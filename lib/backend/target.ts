import type { LeaveSignal } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import type { BackendSettings } from '../access/settings.js'
import { deny, type Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import { safely } from '../safely.js'
import { trace } from '../trace.js'
import { createConnections, type Connections } from './connections.js'
import type { Clock } from './clock.js'
import type { Evidence } from './evidence.js'
import { operatorText, outageOf, type Failure } from './failure.js'
import type { Lookup } from './lookup.js'
import { progress, type Progress } from './progress.js'
import { Question } from './question.js'
import { requestBuilder, type BackendRequest, type Malformed } from './request.js'

const debug = trace('backend')

/** How one backend has been doing. Times are in milliseconds. */
export interface TargetStats {
  /** Scheme, host and port. */
  readonly origin: string
  /** Final statuses, without those that count as unavailable. */
  readonly answers: number
  /** How long the latest took. */
  readonly latencyMs?: number
  /** How long ago it arrived. */
  readonly sinceAnswerMs?: number
  /** Questions waiting for a status now. */
  readonly waiting: number
}

/** A URL's host and port, for people. */
export const placeOf = (url: string): string => {
  const { protocol, hostname, port } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

/** Refuses one client whose question failed while others are answered. */
const unanswered = (what: string): Verdict =>
  ({ ...deny('unanswered', 'the backend did not answer, but answers others'), fault: `${what}, while others are answered` })

/** Called for each finished question with the backend's host and port, the result, and how long it took in milliseconds. */
export type OnAsked = (at: string, outcome: '200' | 'denied' | 'unavailable' | 'unanswered' | 'overload', ms: number) => void

/** One backend URL: how to ask it, and how it is doing. */
export class Target {
  /** Host and port. */
  readonly at: string
  closing = false
  private readonly origin: string
  private readonly build: (request: AccessRequest) => BackendRequest | Malformed
  private readonly connections: Connections
  private answers = 0
  private latencyMs: number | undefined
  private answeredAt: number | undefined
  private readonly out = new Set<Question>()
  private readonly dispatched: Question[] = []

  constructor(
    readonly settings: BackendSettings, private readonly url: string, readonly now: Clock, readonly evidence: Evidence, lookup: Lookup,
    private readonly onAsked?: OnAsked
  ) {
    this.at = placeOf(url)
    this.origin = new URL(url).origin
    this.build = requestBuilder(settings, url)
    this.connections = createConnections(this.origin, settings, lookup, (socket) => {
      if (progress.watched) progress.tell({ is: 'connecting', url, socket })
    })
  }

  /**
   * Asks the backend.
   * @param budgetMs - time until the final status line
   * @throws BackendUnavailable; the signal's reason if the client left before anything was sent
   */
  ask(request: AccessRequest, signal: LeaveSignal, budgetMs: number): Promise<Verdict> {
    if (this.closing) return Promise.resolve(deny('overload', 'authorization is being shut down'))
    const built = this.build(request)
    if ('malformed' in built) return Promise.resolve(deny('malformed', built.malformed))
    const asked = new Promise<Verdict>((resolve, reject) => {
      if (debug.enabled) debug('%s is asked for session %s', this.at, request.sessionId)
      this.tell({ is: 'asked', request: built })
      const options = { method: 'GET' as const, path: built.path, headers: built.headers }
      const question = new Question(this, signal, request, budgetMs, options, resolve, reject)
      this.out.add(question)
      this.connections.dispatch(options, question)
      if (question.queued) this.watchSoon(question)
    })
    const { onAsked } = this
    return onAsked === undefined ? asked : this.measured(asked, onAsked)
  }

  private measured(asked: Promise<Verdict>, onAsked: OnAsked): Promise<Verdict> {
    const since = this.now()
    return asked.then((verdict) => {
      const { source, allowed } = verdict
      if (source === 'backend') onAsked(this.at, allowed ? '200' : 'denied', this.now() - since)
      else if (source === 'unanswered' || source === 'overload') onAsked(this.at, source, this.now() - since)
      return verdict
    }, (error: unknown) => {
      if (error instanceof BackendUnavailable) onAsked(this.at, 'unavailable', this.now() - since)
      throw error
    })
  }

  tell(step: Progress extends infer Step ? Step extends Progress ? Omit<Step, 'url'> : never : never): void {
    if (progress.watched) progress.tell({ ...step, url: this.url })
  }

  /** A final status arrived. */
  answered(latencyMs: number): void {
    this.answers += 1
    this.latencyMs = latencyMs
    this.answeredAt = this.now()
    this.evidence.answered(latencyMs)
  }

  /** A question still waits after a quarter of its time. */
  isLate(question: Question, askedAt: number): void {
    this.evidence.worry(question, askedAt, () => [...this.out].map(({ request: { sessionId, ip } }) => `${sessionId} of ${ip}`))
  }

  /**
   * A question has failed: decides what that means as soon as there are witnesses.
   * @param isDue its time was up: the backend was silent
   */
  decide(failure: Failure, askedAt: number, budgetMs: number, isDue: boolean, resolve: (verdict: Verdict) => void, reject: (error: unknown) => void): void {
    this.tell({ is: 'failed', reason: operatorText(failure, this.at) })
    const now = this.now()
    this.evidence.decide({
      failure,
      since: isDue ? askedAt + budgetMs / 4 : now,
      // The question waits longer by the time that stalls took from the probe.
      due: isDue ? now + Math.min(this.evidence.lostMs, budgetMs / 4) : askedAt + budgetMs,
      budgetMs,
      settle: (judgement) => {
        switch (judgement) {
          case 'outage': return reject(outageOf(failure, this.at, this.evidence.suspects))
          case 'unanswered': return resolve(unanswered(operatorText(failure, this.at)))
          case 'overload': return resolve(deny('overload', failure.met === 'nothing' ? failure.text('the backend') : `${failure.text('the backend')}, which alone proves no outage`))
        }
      }
    })
  }

  /** A question no longer waits for a status. */
  over(question: Question): void {
    this.out.delete(question)
    this.evidence.relax(question)
  }

  stats(): TargetStats {
    return {
      origin: this.origin,
      answers: this.answers,
      waiting: this.out.size,
      ...(this.latencyMs !== undefined && { latencyMs: this.latencyMs }),
      ...(this.answeredAt !== undefined && { sinceAnswerMs: this.now() - this.answeredAt })
    }
  }

  /** Closes all connections at once; clients still waiting are denied. */
  async close(): Promise<void> {
    this.closing = true
    await this.connections.destroy()
  }

  /**
   * Listens to the signal only if the question still waits after this turn of the event loop, which most do not; a listener
   * for each would cost a tenth of the whole question.
   */
  private watchSoon(question: Question): void {
    if (this.dispatched.push(question) > 1) return
    setImmediate(safely(undefined, () => { for (const each of this.dispatched.splice(0)) each.watch() }))
  }
}
