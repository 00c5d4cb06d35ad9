/** One measurement: when, in minutes, and how much, in bytes. */
export interface Point { readonly minute: number, readonly bytes: number }

/** A line through points, by least squares. */
export interface Slope {
  readonly bytesPerMinute: number
  /** Standard error of that. */
  readonly error: number
}

/** @throws RangeError for fewer than three points, through which any line is as good as another */
export const slopeOf = (points: readonly Point[]): Slope => {
  const count = points.length
  if (count < 3) throw new RangeError(`a slope needs three points, there are ${count}`)
  const mean = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0) / count
  const minute = mean((point) => point.minute)
  const bytes = mean((point) => point.bytes)
  const spread = points.reduce((sum, point) => sum + (point.minute - minute) ** 2, 0)
  const bytesPerMinute = points.reduce((sum, point) => sum + (point.minute - minute) * (point.bytes - bytes), 0) / spread
  const squares = points.reduce((sum, point) => sum + (point.bytes - bytes - bytesPerMinute * (point.minute - minute)) ** 2, 0)
  return { bytesPerMinute, error: Math.sqrt(squares / (count - 2) / spread) }
}

/** The slope that a leak would have to have at least: two standard errors below the line. */
export const leastSlope = ({ bytesPerMinute, error }: Slope): number => bytesPerMinute - 2 * error
/** The slope that it may have at most. */
export const mostSlope = ({ bytesPerMinute, error }: Slope): number => bytesPerMinute + 2 * error
