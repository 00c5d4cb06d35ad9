/**
 * Whether the backend answers the probe when it is up. If a client is answered although the probe was not, the probe is
 * doubtful until it is answered; if it then fails again it is useless, and its failures prove nothing.
 */
export class Trust {
  private lostAt: number | undefined
  private gone = false

  /** @param onUseless is called each time the probe turns out to be useless */
  constructor(private readonly onUseless: () => void) {}

  /** The probe's failures prove nothing until it has been answered. */
  get lost(): boolean {
    return this.lostAt !== undefined
  }

  /** It has failed twice while clients were answered. */
  get useless(): boolean {
    return this.gone
  }

  /** A client was answered while the probe was not. */
  lose(now: number): void {
    this.lostAt ??= now
  }

  /** A probe that began at that time was not answered; `refuted`: a client has been answered since. */
  doubt(beganAt: number, refuted: boolean, now: number): void {
    if (this.lostAt === undefined) {
      if (refuted) this.lostAt = now
    } else if (beganAt >= this.lostAt && !this.gone) {
      this.gone = true
      this.onUseless()
    }
  }

  /** It has been answered. */
  restore(): void {
    this.lostAt = undefined
    this.gone = false
  }
}
