import type { Dispatcher } from 'undici'
import type { LeaveSignal } from '../access/departure.js'
import type { BackendSettings } from '../access/settings.js'
import { deny, type Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import { MAX_BODY_BYTES, readBody, readHead, withoutBody } from './answer.js'
import type { Connection, Passenger } from './connection.js'
import { isClosed, judge } from './failure.js'
import { progress } from './progress.js'
import type { BackendRequest } from './request.js'
import type { Target } from './target.js'

/**
 * A request larger than this, in bytes, can make a common server close the connection without an
 * answer, or its proxy answer 502 (uWSGI by default); so what happens to such a request is no
 * outage, or a client could make one.
 */
const SAFE_REQUEST_BYTES = 4096

/** Room for what such a server adds of its own: method, protocol, addresses, `Host`. */
const ADDED_BYTES = 512

/** More of the budget than this in our own queue means that the backend was not given its time. */
const QUEUED_SHARE = 0.1

/** A timer that is this late was held up by our own event loop. In milliseconds. */
const LATE_MS = 25

/** How large a request is to the server that needs most room for it: to uWSGI, which holds the query twice (alone, and as part of the URI) and long names for headers. */
const sizeOf = ({ path, headers }: BackendRequest): number =>
  headers.reduce((size, text) => size + text.length + 5, ADDED_BYTES + 2 * path.length)

/** Gives what has come in meanwhile a chance to be read before the time is up. */
const poll = (question: Question, rounds: number): void => {
  setImmediate(() => { if (rounds > 1) poll(question, rounds - 1); else question.expire() })
}

const onTimer = (question: Question): void => question.onTimer()

/**
 * One GET on its way, from the queue to the last byte of the answer. It is undici's handler itself,
 * in the form that undici calls without a wrapper.
 *
 * The promise settles at the status line and headers; the same timer then bounds the body, so that
 * a backend that never ends it loses the connection.
 */
export class Question implements Passenger {
  connection: Connection | undefined
  private timer: NodeJS.Timeout
  private readonly askedAt: number
  private readonly due: number
  private extended = false
  private sent = false
  /** The connection is somebody else's from now on. */
  private over = false
  private reused = false
  private started = false
  private settled = false
  /** No connection was free. */
  private queued = false
  /** How long it had to wait in our own queue for that, in milliseconds. */
  private queuedMs = 0
  private watching = false
  private head: Verdict | undefined
  private bodyBytes = 0
  private body: Buffer[] | undefined

  constructor(
    private readonly target: Target,
    private readonly settings: BackendSettings,
    private readonly request: BackendRequest,
    private readonly signal: LeaveSignal,
    private readonly budgetMs: number,
    private readonly options: Dispatcher.DispatchOptions,
    private readonly resolve: (verdict: Verdict) => void,
    private readonly reject: (error: unknown) => void
  ) {
    this.askedAt = target.now()
    this.due = this.askedAt + budgetMs
    this.timer = setTimeout(onTimer, budgetMs, this)
  }

  get gone(): boolean {
    if (!this.settled && this.signal.aborted) this.handleEvent()
    return this.settled
  }

  /** The client left, which matters only before anything was sent for it. */
  handleEvent(): void {
    if (this.sent) return
    clearTimeout(this.timer)
    this.fail(this.signal.reason)
  }

  /** To be called once it has been dispatched. */
  dispatched(): void {
    this.queued = this.connection === undefined
    if (!this.sent && !this.settled) this.target.watchSoon(this)
  }

  /** A client that leaves while it waits for a connection is forgotten at once. */
  watch(): void {
    if (this.sent || this.gone) return
    this.watching = true
    this.signal.addEventListener('abort', this)
  }

  onConnect(): void {
    // To throw is undici's way of taking a request back that costs no connection.
    if (this.gone) throw new Error('nobody waits for an answer any more')
    this.sent = true
    if (this.queued) this.queuedMs = this.target.now() - this.askedAt
    this.reused = (this.connection?.answers ?? 0) > 0
  }

  onResponseStarted(): void {
    this.started = true
    if (progress.watched) progress.tell({ is: 'answering', url: this.target.url })
  }

  onHeaders(status: number, raw: Buffer[]): boolean {
    if (status < 200) return true
    const latencyMs = this.target.now() - this.askedAt
    if (progress.watched) progress.tell({ is: 'answered', url: this.target.url, status, headers: raw })
    if (this.settings.unavailableStatuses.includes(status)) {
      this.unavailable(new BackendUnavailable(`${this.target.at} answered ${status}, which counts as unavailable`))
      return true
    }
    this.target.answered(latencyMs)
    const verdict = readHead(this.settings, status, raw, latencyMs)
    if (verdict.allowed && this.settings.denyBody) this.head = verdict
    else this.settle(verdict)
    return true
  }

  onData(chunk: Buffer): boolean {
    this.bodyBytes += chunk.length
    if (this.bodyBytes > MAX_BODY_BYTES) {
      if (this.head !== undefined) this.settle(withoutBody(this.head, 'is too large'))
      this.connection?.cut()
    } else if (this.head !== undefined) (this.body ??= []).push(chunk)
    return true
  }

  onComplete(): void {
    this.over = true
    clearTimeout(this.timer)
    if (this.connection !== undefined) this.connection.answers += 1
    if (this.head !== undefined) this.settle(readBody(this.head, Buffer.concat(this.body ?? [])))
  }

  onError(error: Error): void {
    if (this.canRetry(error)) {
      // The next failure may come before it is connected, and so before onConnect says what it is.
      this.reused = false
      this.connection?.dispatch(this.options, this)
      return
    }
    this.over = true
    clearTimeout(this.timer)
    if (this.settled) return
    if (this.head !== undefined) return this.settle(withoutBody(this.head, 'was cut off'))
    const judged = judge(error, this.target.at)
    if (judged instanceof BackendUnavailable) this.unavailable(judged)
    else if (judged instanceof Error) this.fail(judged)
    else this.settle(judged)
  }

  onTimer(): void {
    const late = this.target.now() - this.due
    if (late > LATE_MS && !this.extended) {
      // The backend gets back the time in which nobody here would have seen its answer.
      this.extended = true
      this.timer = setTimeout(onTimer, Math.min(late, this.budgetMs), this)
    } else poll(this, this.target.pollsAtDeadline)
  }

  /** The time is up. */
  expire(): void {
    if (!this.settled) {
      if (this.head !== undefined) this.settle(withoutBody(this.head, 'did not come in time'))
      else if (this.signal.aborted && !this.sent) this.fail(this.signal.reason)
      else if (this.isOurDelay() && this.target.isAnswering()) this.settle(deny('overload', 'too many clients are being asked for'))
      else this.unavailable(new BackendUnavailable(`no ${this.sent ? 'answer by' : 'connection to'} ${this.target.at} within ${this.budgetMs} ms`))
    }
    if (!this.over) this.connection?.cut()
  }

  /**
   * A backend may end a connection that it kept alive at the moment when the next request is on its
   * way; that happens to every backend, so one further try is made. The connection that broke is
   * opened anew for it: others that wait to be used may be as dead. Being new it gets no retry.
   */
  private canRetry(error: Error): boolean {
    return this.reused && !this.started && !this.settled && !this.target.closing && isClosed(error)
  }

  /**
   * Whether it was our own queue that left the backend too little time. What was sent in the end
   * counts too: or a flood of clients would make an outage for those at the end of the queue.
   */
  private isOurDelay(): boolean {
    return !this.sent || this.queuedMs > this.budgetMs * QUEUED_SHARE
  }

  /** An outage, unless it is the client who may have made it. */
  private unavailable(error: BackendUnavailable): void {
    if (progress.watched) progress.tell({ is: 'failed', url: this.target.url, reason: error.message })
    const size = this.sent ? sizeOf(this.request) : 0
    if (size <= SAFE_REQUEST_BYTES) return this.fail(error)
    this.settle({
      ...deny('malformed', 'the request is unusually large, and the backend did not answer it'),
      fault: `${error.message}, on a request of ${size} bytes`
    })
  }

  private settle(verdict: Verdict): void {
    if (this.end()) this.resolve(verdict)
  }

  private fail(error: unknown): void {
    if (this.end()) this.reject(error)
  }

  private end(): boolean {
    if (this.settled) return false
    this.settled = true
    if (this.watching) this.signal.removeEventListener('abort', this)
    this.target.settled()
    return true
  }
}
