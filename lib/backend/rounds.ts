import { safely } from '../safely.js'
import type { Clock } from './clock.js'
import type { Probe, ProbeOutcome } from './probe.js'
import { PROOF_MS } from './proof.js'

/** Shortest time from one probe to the next, in milliseconds. */
const GAP_MS = PROOF_MS

/** Schedules the probes of one URL: one at a time, at most one a second, shared by all who need the result. */
export class Rounds {
  private beganAt: number | undefined
  /** When the last one began; the first one, at the start, does not delay the next. */
  private lastAt: number | undefined
  private next: Promise<ProbeOutcome> | undefined
  private timer: NodeJS.Timeout | undefined

  /** @param heard gets each result, before those who wait for it */
  constructor(private readonly probe: Pick<Probe, 'ask' | 'close'>, private readonly now: Clock, private readonly heard: (outcome: ProbeOutcome, beganAt: number) => void) {}

  /** When the current probe began; `undefined` if there is none. */
  get since(): number | undefined {
    return this.beganAt
  }

  /** The result of the current probe, or of the next one. */
  ask(): Promise<ProbeOutcome> {
    return this.next ??= new Promise((resolve) => {
      const begin = (): void => {
        const beganAt = this.beganAt = this.now()
        this.lastAt = this.lastAt === undefined ? -Infinity : beganAt
        void this.probe.ask().then((outcome) => {
          this.next = this.beganAt = undefined
          this.heard(outcome, beganAt)
          resolve(outcome)
        })
      }
      const leftMs = (this.lastAt ?? -Infinity) + GAP_MS - this.now()
      if (leftMs <= 0) begin()
      else this.timer = setTimeout(safely(undefined, begin), leftMs).unref()
    })
  }

  /** Cancels the current probe and the next. */
  close(): void {
    clearTimeout(this.timer)
    this.probe.close()
  }
}
