const KEPT = 100

/** How long the last hundred answers took, in milliseconds. */
export class Latencies {
  private readonly ring = new Float64Array(KEPT)
  private count = 0

  add(ms: number): void {
    this.ring[this.count % KEPT] = ms
    this.count += 1
  }

  /** Their 99th percentile; 0 without any. */
  get slow(): number {
    const sorted = this.ring.slice(0, Math.min(this.count, KEPT)).sort()
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0
  }
}
