import { safely } from '../safely.js'
import type { Clock } from './clock.js'
import type { Failure } from './failure.js'
import { Latencies } from './latencies.js'
import type { Probe, ProbeOutcome } from './probe.js'
import { judge, PROOF_MS, speaksAgainst, type FailedProbe, type Judgement } from './proof.js'
import { Rounds } from './rounds.js'
import { Trust } from './trust.js'

/** How long questions must have failed, with none answered, before an unavailable status of the probe counts: a quarter of a question's time, but at most this, in milliseconds. */
const MAX_QUIET_MS = 1000

/** How many clients with questions under way are remembered when a backend falls silent. */
const MAX_OUT = 5

/** A question that failed. */
export interface Case {
  readonly failure: Failure
  /** An answer to anybody after this time speaks for the backend. */
  readonly since: number
  /** When the question's time is up. */
  readonly due: number
  readonly budgetMs: number
  readonly settle: (judgement: Exclude<Judgement, 'wait'>) => void
}

/** Runs after what has already arrived in the sockets is read; TLS needs one more round. */
const afterPoll = (then: () => void): void => {
  const run = safely(undefined, then)
  setImmediate(safely(undefined, () => setImmediate(run)))
}

/**
 * What is known about one backend URL, and the one place that says whether it is down: when anybody was last answered, the
 * result of the last probe, and which questions wait for either. Sections with the same settings share it.
 */
export class Evidence {
  private answeredAt = -Infinity
  private readonly latencies = new Latencies()
  private failed: FailedProbe | undefined
  private failingSince = -Infinity
  private failedAt = -Infinity
  private readonly rounds: Rounds
  private readonly trust: Trust
  private closed = false
  private readonly waiting = new Map<Case, NodeJS.Timeout>()
  private readonly worried = new Set<object>()
  private out: readonly string[] = []
  private readonly listeners: (() => void)[] = []

  /** @param onUseless is told once when clients are answered and the probe is not */
  constructor(private readonly probe: Probe, private readonly now: Clock, onUseless: () => void) {
    this.trust = new Trust(onUseless)
    this.rounds = new Rounds({ ask: () => probe.ask(this.latencies.slow), close: () => probe.close() }, now, (outcome, beganAt) => this.heard(outcome, beganAt))
  }

  /** Calls back whenever a client or a probe is answered. */
  onAnswer(listener: () => void): void {
    this.listeners.push(listener)
  }

  /** A client got a final status that counts. */
  answered(latencyMs: number): void {
    this.latencies.add(latencyMs)
    this.witnessed()
    if (this.failed?.met !== 'doubt') return
    this.trust.lose(this.now())
    // Only until the probe is answered: a backend that came and went during a probe should not be distrusted for longer.
    void this.ask()
  }

  /** A question has waited for a quarter of its time, with nobody answered since it was asked. */
  worry(question: object, askedAt: number, out: () => Iterable<string>): void {
    if (this.answeredAt > askedAt) return
    if (this.worried.size === 0) this.out = [...out()].slice(0, MAX_OUT)
    this.worried.add(question)
    void this.ask()
  }

  /** A question that may have called `worry` is over. */
  relax(question: object): void {
    if (this.worried.size > 0) this.worried.delete(question)
  }

  /** The clients whose questions were under way when the backend fell silent. */
  get suspects(): readonly string[] {
    return this.out
  }

  /** Time that stalls of this process took from the current probe, in milliseconds. */
  get lostMs(): number {
    return this.probe.lostMs
  }

  /** Settles a failed question: now, when there is a witness, or when its time is up. */
  decide(failed: Case): void {
    const now = this.now()
    // A failure long ago says nothing about now.
    if (this.failingSince < this.answeredAt || now - this.failedAt > PROOF_MS) this.failingSince = now
    this.failedAt = now
    // If only somebody else's answer could still come, the question is refused either way.
    const judgement = this.judge(failed, this.trust.useless || now >= failed.due)
    if (judgement !== 'wait') return failed.settle(judgement)
    this.wait(failed)
    void this.ask()
  }

  /** The result of the current probe, or of the next one. */
  ask(): Promise<ProbeOutcome> {
    return this.rounds.ask()
  }

  /** Ends the probe and settles all waiting questions. */
  close(): void {
    this.closed = true
    this.rounds.close()
    for (const failed of this.waiting.keys()) this.review(failed, true)
  }

  private witnessed(): void {
    this.answeredAt = this.now()
    for (const listener of this.listeners) listener()
    if (this.waiting.size > 0) this.reviewAll()
  }

  private heard(outcome: ProbeOutcome, beganAt: number): void {
    if (outcome.is === 'answered') {
      this.failed = undefined
      this.trust.restore()
      return this.witnessed()
    }
    const { failure: { met }, status } = outcome
    if (met !== 'nothing') {
      this.failed = { met, status, beganAt, failedAt: this.now() }
      if (met === 'doubt') this.trust.doubt(beganAt, this.answeredAt >= beganAt, this.now())
      this.reviewAll(this.trust.lost)
    }
    // Waiting questions need the next probe, unless somebody has been answered.
    const unsure = (this.trust.lost && !this.trust.useless) || this.waiting.size > 0 || (this.worried.size > 0 && this.answeredAt < beganAt)
    if (unsure && !this.closed) void this.ask()
  }

  private judge({ failure, since, budgetMs }: Case, due: boolean): Judgement {
    const { answeredAt, failed, failingSince } = this
    const against = speaksAgainst({ answeredAt, failed, failingSince, probingSince: this.rounds.since, trusted: !this.trust.lost }, this.now(), quietMs(budgetMs))
    return judge(failure.met, { for: answeredAt > since, against, due })
  }

  private wait(failed: Case): void {
    const now = this.now()
    const quietAt = this.failingSince + quietMs(failed.budgetMs)
    const until = quietAt > now ? Math.min(quietAt, failed.due) : failed.due
    this.waiting.set(failed, setTimeout(safely(undefined, () => afterPoll(() => this.review(failed, this.now() >= failed.due))), until - now))
  }

  private review(failed: Case, due: boolean): void {
    const timer = this.waiting.get(failed)
    if (timer === undefined) return
    const judgement = this.judge(failed, due)
    clearTimeout(timer)
    this.waiting.delete(failed)
    if (judgement === 'wait') this.wait(failed)
    else failed.settle(judgement)
  }

  private reviewAll(due = false): void {
    for (const failed of [...this.waiting.keys()]) this.review(failed, due)
  }
}

const quietMs = (budgetMs: number): number => Math.min(MAX_QUIET_MS, budgetMs / 4)
