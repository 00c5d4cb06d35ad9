import type { LeaveSignal } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import type { BackendSettings } from '../access/settings.js'
import { deny, type Verdict } from '../access/verdict.js'
import { trace } from '../trace.js'
import { createConnections, type Connections } from './connections.js'
import { progress } from './progress.js'
import { Question } from './question.js'
import { requestBuilder, type BackendRequest, type Malformed } from './request.js'

const debug = trace('backend')

/** Milliseconds from any fixed point; must never jump. */
export type Clock = () => number

/** How one backend has been doing. Times are in milliseconds. */
export interface TargetStats {
  /** Scheme, host and port. */
  readonly origin: string
  /** Final statuses, those that count as unavailable left out. */
  readonly answers: number
  /** How long the latest of them took. */
  readonly latencyMs?: number
  /** How long ago it came. */
  readonly sinceAnswerMs?: number
  /** Questions that wait for a status now. */
  readonly waiting: number
}

/** One backend URL: how it is asked, and how it has been doing. */
export class Target {
  /** Host and port, for people. */
  readonly at: string
  /** TLS needs one round of the event loop more until an answer that has come in can be seen. */
  readonly pollsAtDeadline: 1 | 2
  closing = false
  private readonly origin: string
  private readonly build: (request: AccessRequest) => BackendRequest | Malformed
  private readonly connections: Connections
  private answers = 0
  private latencyMs: number | undefined
  private answeredAt: number | undefined
  private waiting = 0
  private readonly dispatched: Question[] = []

  constructor(private readonly settings: BackendSettings, readonly url: string, readonly now: Clock) {
    const { origin, protocol, hostname, port } = new URL(url)
    this.origin = origin
    this.at = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
    this.pollsAtDeadline = protocol === 'https:' ? 2 : 1
    this.build = requestBuilder(settings, url)
    this.connections = createConnections(origin, settings, (socket) => {
      if (progress.watched) progress.tell({ is: 'connecting', url, socket })
    })
  }

  /**
   * Asks.
   * @param budgetMs - until the final status line
   * @throws BackendUnavailable; the signal's reason if the client left before anything was sent
   */
  ask(request: AccessRequest, signal: LeaveSignal, budgetMs: number): Promise<Verdict> {
    if (this.closing) return Promise.resolve(deny('overload', 'authorization is being shut down'))
    const built = this.build(request)
    if ('malformed' in built) return Promise.resolve(deny('malformed', built.malformed))
    return new Promise((resolve, reject) => {
      if (debug.enabled) debug('%s is asked for session %s', this.at, request.sessionId)
      if (progress.watched) progress.tell({ is: 'asked', url: this.url, request: built })
      this.waiting += 1
      const options = { method: 'GET' as const, path: built.path, headers: built.headers }
      const question = new Question(this, this.settings, built, signal, budgetMs, options, resolve, reject)
      this.connections.dispatch(options, question)
      question.dispatched()
    })
  }

  /**
   * Listens to a signal if the question still waits when this turn of the event loop is over, which
   * most do not; a listener for each costs as much as a tenth of the whole question.
   */
  watchSoon(question: Question): void {
    if (this.dispatched.push(question) > 1) return
    setImmediate(() => { for (const each of this.dispatched.splice(0)) each.watch() })
  }

  /** A final status came. */
  answered(latencyMs: number): void {
    this.answers += 1
    this.latencyMs = latencyMs
    this.answeredAt = this.now()
  }

  /** A question has its verdict, or never will. */
  settled(): void {
    this.waiting -= 1
  }

  /** Whether it has answered anybody within the last `timeoutMs`: then who is still in the queue waits for us. */
  isAnswering(): boolean {
    return this.answeredAt !== undefined && this.now() - this.answeredAt <= this.settings.timeoutMs
  }

  stats(): TargetStats {
    return {
      origin: this.origin,
      answers: this.answers,
      waiting: this.waiting,
      ...(this.latencyMs !== undefined && { latencyMs: this.latencyMs }),
      ...(this.answeredAt !== undefined && { sinceAnswerMs: this.now() - this.answeredAt })
    }
  }

  /** Closes every connection at once; who still waits for an answer is denied. */
  async close(): Promise<void> {
    this.closing = true
    await this.connections.destroy()
  }
}
