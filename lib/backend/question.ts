import type { Dispatcher } from 'undici'
import type { LeaveSignal } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import { safely } from '../safely.js'
import { Answer } from './answer.js'
import type { Connection, Passenger } from './connection.js'
import { Deadline, type Waiting } from './deadline.js'
import { failureOf, isClosed, type Failure } from './failure.js'
import type { Target } from './target.js'

const leave = safely((error: unknown, question: Question) => question.fail(error), (question: Question) => question.leave())

/**
 * One GET request, from the queue to the last byte of the answer; undici calls it directly. It settles with the headers; its
 * deadline then bounds the body. What a failure means is not decided here: see `evidence`.
 */
export class Question implements Passenger, Waiting {
  connection: Connection | undefined
  private readonly deadline: Deadline
  /** Bytes may have been sent: at all, and over the current connection. */
  private sent = false
  private written = false
  private reused = false
  private started = false
  private settled = false
  private over = false
  private watching = false
  private answer: Answer | undefined

  constructor(
    private readonly target: Target, private readonly signal: LeaveSignal, readonly request: AccessRequest, budgetMs: number,
    private readonly options: Dispatcher.DispatchOptions, private readonly resolve: (verdict: Verdict) => void, private readonly reject: (error: unknown) => void,
    private readonly askedAt = target.now()
  ) { this.deadline = new Deadline(budgetMs, this) }

  get queued(): boolean { return !this.sent && !this.settled }
  get gone(): boolean {
    if (this.queued && this.signal.aborted) this.leave()
    return this.settled
  }

  /** A client that leaves while waiting for a connection is dropped at once. */
  watch(): void {
    if (!this.queued || this.gone) return
    this.watching = true
    this.signal.addEventListener('abort', this)
  }
  handleEvent(): void { leave(this) }
  leave(): void { if (this.queued) this.finish(() => this.reject(this.signal.reason)) }

  onConnect(): void {
    // Throwing makes undici drop the request and keep the connection.
    if (this.gone) throw new Error('nobody waits for an answer any more')
    this.sent = this.written = true
    this.reused = (this.connection?.answers ?? 0) > 0
  }
  onResponseStarted(): void {
    this.started = true
    this.target.tell({ is: 'answering' })
  }
  onHeaders(status: number, raw: Buffer[]): boolean {
    if (status < 200) return true
    this.target.tell({ is: 'answered', status, headers: raw })
    this.answer = new Answer(this.target.settings, status, raw, this.target.now() - this.askedAt)
    if (this.answer.isUnavailable) this.end(() => this.decide({ met: 'doubt', text: (at) => `${at} answered ${status}, which counts as unavailable` }))
    else this.target.answered(this.answer.latencyMs)
    if (!this.answer.needsBody) this.settle(this.answer.head)
    return true
  }
  onData(chunk: Buffer): boolean {
    if (this.answer?.take(chunk) !== false) return true
    this.settle(this.answer.without('is too large'))
    this.connection?.cut()
    return true
  }
  onComplete(): void {
    if (this.connection !== undefined) this.connection.answers += 1
    this.finish(() => { if (this.answer !== undefined) this.resolve(this.answer.whole()) })
  }
  onError(error: Error): void {
    // A backend may close a kept connection just as the next request is sent. The one retry reopens the same connection,
    // since other idle ones may be just as dead.
    if (this.reused && !this.started && !this.settled && !this.target.closing && isClosed(error)) {
      this.reused = this.written = false
      this.connection?.dispatch(this.options, this)
    } else this.finish(() => this.answer === undefined ? this.decide(failureOf(error, this.written)) : this.resolve(this.answer.without('was cut off')))
  }

  late(): void { if (!this.settled) this.target.isLate(this, this.askedAt) }
  expire(): void {
    if (this.answer !== undefined) this.settle(this.answer.without('did not come in time'))
    else if (this.signal.aborted && !this.sent) this.leave()
    else this.end(() => this.decide({ met: 'doubt', text: (at) => `no ${this.written ? 'answer by' : 'connection to'} ${at} within ${this.deadline.ms} ms` }))
    if (!this.over) this.connection?.cut()
  }

  /** Our own code threw: the client is refused. */
  fail(error: unknown): void { this.finish(() => this.reject(error)) }

  private settle(verdict: Verdict): void { this.end(() => this.resolve(verdict)) }
  private decide(failure: Failure | Error): void {
    if (failure instanceof Error) this.reject(failure)
    else this.target.decide(failure, this.askedAt, this.deadline.ms, this.deadline.isOver, this.resolve, this.reject)
  }
  private finish(settle: () => void): void {
    this.deadline.cancel()
    this.over = true
    this.end(settle)
  }
  private end(settle: () => void): void {
    if (this.settled) return
    this.settled = true
    this.target.over(this)
    if (this.watching) this.signal.removeEventListener('abort', this)
    settle()
  }
}
