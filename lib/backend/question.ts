import type { Dispatcher } from 'undici'
import type { LeaveSignal } from '../access/departure.js'
import type { AccessRequest } from '../access/request.js'
import type { Verdict } from '../access/verdict.js'
import { safely } from '../safely.js'
import { Answer } from './answer.js'
import type { Connection, Passenger } from './connection.js'
import { failureOf, isClosed, type Failure } from './failure.js'
import type { Target } from './target.js'

const fail = (error: unknown, question: Question): void => question.fail(error)
const onTimer = safely(fail, (question: Question) => question.onTimer())
const leave = safely(fail, (question: Question) => question.leave())
const expire = safely(fail, (question: Question) => question.expire())
const afterPoll = safely(fail, (question: Question) => { setImmediate(expire, question) })

/**
 * One GET on its way, from the queue to the last byte of the answer; undici calls it without a wrapper. It settles at
 * the headers; its timer then bounds the body. What a failure means is not for one question to say: see `evidence`.
 */
export class Question implements Passenger {
  connection: Connection | undefined
  private timer: NodeJS.Timeout
  /** Each has a timer of its own, so that a stall of this process lengthens the one that it falls into and costs no other. */
  private quartersLeft = 4
  /** Bytes may have gone out: ever, and over the connection of now. */
  private sent = false
  private written = false
  private reused = false
  private started = false
  private settled = false
  private over = false
  private watching = false
  private answer: Answer | undefined

  constructor(
    private readonly target: Target, private readonly signal: LeaveSignal, readonly request: AccessRequest, private readonly budgetMs: number,
    private readonly options: Dispatcher.DispatchOptions, private readonly resolve: (verdict: Verdict) => void, private readonly reject: (error: unknown) => void,
    private readonly askedAt = target.now()
  ) { this.timer = setTimeout(onTimer, budgetMs / 4, this) }

  get queued(): boolean { return !this.sent && !this.settled }
  get gone(): boolean {
    if (this.queued && this.signal.aborted) this.leave()
    return this.settled
  }

  /** A client that leaves while it waits for a connection is forgotten at once. */
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
    // A backend may end a kept connection just as the next request is on its way. The one further try opens the same
    // connection anew, since others that wait to be used may be as dead.
    if (this.reused && !this.started && !this.settled && !this.target.closing && isClosed(error)) {
      this.reused = this.written = false
      this.connection?.dispatch(this.options, this)
    } else this.finish(() => this.answer === undefined ? this.decide(failureOf(error, this.written)) : this.resolve(this.answer.without('was cut off')))
  }

  onTimer(): void {
    this.quartersLeft -= 1
    // What has come in meanwhile is read first; TLS hands it on a round later.
    if (this.quartersLeft === 0) setImmediate(afterPoll, this)
    else this.timer = setTimeout(onTimer, this.budgetMs / 4, this)
    if (this.quartersLeft === 3 && !this.settled) this.target.isLate(this, this.askedAt)
  }
  expire(): void {
    if (this.answer !== undefined) this.settle(this.answer.without('did not come in time'))
    else if (this.signal.aborted && !this.sent) this.leave()
    else this.end(() => this.decide({ met: 'doubt', text: (at) => `no ${this.written ? 'answer by' : 'connection to'} ${at} within ${this.budgetMs} ms` }))
    if (!this.over) this.connection?.cut()
  }

  /** Something of ours threw: no verdict, and the client is refused. */
  fail(error: unknown): void { this.finish(() => this.reject(error)) }

  private settle(verdict: Verdict): void { this.end(() => this.resolve(verdict)) }
  private decide(failure: Failure | Error): void {
    if (failure instanceof Error) this.reject(failure)
    else this.target.decide(failure, this.askedAt, this.budgetMs, this.quartersLeft === 0, this.resolve, this.reject)
  }
  private finish(settle: () => void): void {
    clearTimeout(this.timer)
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
