/** What several rounds gave. */
export interface Spread { readonly median: number, readonly min: number, readonly max: number, readonly rounds: number }

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** @throws RangeError without values: a bench that measured nothing must not look like one that did */
export const spread = (values: readonly number[]): Spread => {
  if (values.length === 0 || !values.every(Number.isFinite)) throw new RangeError(`nothing was measured: ${values.join(', ')}`)
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), rounds: values.length }
}
