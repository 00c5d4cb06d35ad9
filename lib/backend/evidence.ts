import { safely } from '../safely.js'
import type { Failure } from './failure.js'
import { Latencies } from './latencies.js'
import type { Probe, ProbeOutcome } from './probe.js'
import { judge, PROOF_MS, speaksAgainst, type FailedProbe, type Judgement } from './proof.js'

/** Milliseconds from any fixed point; must never jump. */
export type Clock = () => number

/** From the begin of one probe to the next, at least, in milliseconds. */
const PROBE_GAP_MS = PROOF_MS

/** How long questions must have failed, and none been answered, before a probe's unavailable status counts: a quarter of a question's time, and this at most, in milliseconds. */
const MAX_QUIET_MS = 1000

/** How many of those whose questions were out are remembered when a backend falls silent. */
const MAX_OUT = 5

/** A question that failed. */
export interface Case {
  readonly failure: Failure
  /** An answer to anybody that is newer than this speaks for the backend. */
  readonly since: number
  /** When the question's time is up. */
  readonly due: number
  readonly budgetMs: number
  readonly settle: (judgement: Exclude<Judgement, 'wait'>) => void
}

/** After what lies in the sockets has been read; TLS takes a round more. */
const afterPoll = (then: () => void): void => {
  const run = safely(undefined, then)
  setImmediate(safely(undefined, () => setImmediate(run)))
}

/**
 * What has been seen of one backend URL, and the one place that says whether it is down: when anybody was
 * last answered, what the last probe came to, and who waits for either. All sections that ask alike share it.
 */
export class Evidence {
  private answeredAt = -Infinity
  private readonly latencies = new Latencies()
  private failed: FailedProbe | undefined
  private failingSince = -Infinity
  private failedAt = -Infinity
  private probingSince: number | undefined
  /** When the last probe began; the first, which is the start's, keeps no other waiting. */
  private probedAt: number | undefined
  private next: Promise<ProbeOutcome> | undefined
  private timer: NodeJS.Timeout | undefined
  /** When a client was answered although the probe had not been; until the probe is, nothing that it meets proves anything. */
  private distrustedAt: number | undefined
  private useless = false
  private closed = false
  private readonly waiting = new Map<Case, NodeJS.Timeout>()
  private readonly worried = new Set<object>()
  private out: readonly string[] = []
  private readonly listeners: (() => void)[] = []

  /** @param onUseless is told once when clients are answered and the probe is not */
  constructor(private readonly probe: Probe, private readonly now: Clock, private readonly onUseless: () => void) {}

  /** Calls back whenever a client or a probe is answered. */
  onAnswer(listener: () => void): void {
    this.listeners.push(listener)
  }

  /** A client got a final status that counts. */
  answered(latencyMs: number): void {
    this.latencies.add(latencyMs)
    this.witnessed()
    if (this.failed?.met !== 'doubt') return
    this.distrustedAt ??= this.now()
    // Until it is answered: a backend that came and went while it was asked is not to be distrusted for longer.
    void this.ask()
  }

  /** A question has waited for a quarter of its time, and nobody has been answered since it was asked. */
  worry(question: object, askedAt: number, out: () => Iterable<string>): void {
    if (this.answeredAt > askedAt) return
    if (this.worried.size === 0) this.out = [...out()].slice(0, MAX_OUT)
    this.worried.add(question)
    void this.ask()
  }

  /** A question that may have worried is over. */
  relax(question: object): void {
    if (this.worried.size > 0) this.worried.delete(question)
  }

  /** Those whose questions were out when the backend fell silent. */
  get suspects(): readonly string[] {
    return this.out
  }

  /** How much time stalls of this process have taken from the probe that is on its way, in milliseconds. */
  get lostMs(): number {
    return this.probe.lostMs
  }

  /** Settles a question that failed: now, or when there is a witness, or when its time is up. */
  decide(failed: Case): void {
    const now = this.now()
    // What failed long ago says nothing of now.
    if (this.failingSince < this.answeredAt || now - this.failedAt > PROOF_MS) this.failingSince = now
    this.failedAt = now
    // Where nothing but somebody else's answer could come, it refuses, whether it comes or not.
    const judgement = this.judge(failed, this.useless || now >= failed.due)
    if (judgement !== 'wait') return failed.settle(judgement)
    this.wait(failed)
    void this.ask()
  }

  /** What the probe on its way comes to, or the next one. One at a time, one a second at most. */
  ask(): Promise<ProbeOutcome> {
    return this.next ??= new Promise((resolve) => {
      const begin = (): void => {
        const beganAt = this.probingSince = this.now()
        this.probedAt = this.probedAt === undefined ? -Infinity : beganAt
        void this.probe.ask().then((outcome) => {
          this.next = undefined
          this.heard(outcome, beganAt)
          resolve(outcome)
        })
      }
      const leftMs = (this.probedAt ?? -Infinity) + PROBE_GAP_MS - this.now()
      if (leftMs <= 0) begin()
      else this.timer = setTimeout(safely(undefined, begin), leftMs).unref()
    })
  }

  /** Ends the probe and settles who waits. */
  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.probe.close()
    for (const failed of this.waiting.keys()) this.review(failed, true)
  }

  private witnessed(): void {
    this.answeredAt = this.now()
    for (const listener of this.listeners) listener()
    if (this.waiting.size > 0) this.reviewAll()
  }

  private heard(outcome: ProbeOutcome, beganAt: number): void {
    this.probingSince = undefined
    if (outcome.is === 'answered') {
      this.failed = this.distrustedAt = undefined
      this.useless = false
      return this.witnessed()
    }
    const { failure: { met }, silent, status } = outcome
    if (met !== 'nothing' && !(silent && this.latencies.slow > this.probe.waitMs)) {
      this.failed = { met, status, beganAt, failedAt: this.now() }
      if (met === 'doubt') this.doubt(beganAt)
      this.reviewAll(this.distrustedAt !== undefined)
    }
    // Who still waits needs the next one, unless somebody has been answered.
    const unsure = (this.distrustedAt !== undefined && !this.useless) || this.waiting.size > 0 || (this.worried.size > 0 && this.answeredAt < beganAt)
    if (unsure && !this.closed) void this.ask()
  }

  /** The probe was not answered. If clients are, it is no good. */
  private doubt(beganAt: number): void {
    if (this.distrustedAt === undefined) {
      if (this.answeredAt >= beganAt) this.distrustedAt = this.now()
    } else if (beganAt >= this.distrustedAt && !this.useless) {
      this.useless = true
      this.onUseless()
    }
  }

  private judge({ failure, since, budgetMs }: Case, due: boolean): Judgement {
    const { answeredAt, failed, failingSince, probingSince } = this
    const against = speaksAgainst({ answeredAt, failed, failingSince, probingSince, trusted: this.distrustedAt === undefined }, this.now(), quietMs(budgetMs))
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
