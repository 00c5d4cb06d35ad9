/** One measurement: after how many clients, and how much, in bytes. */
export interface Point { readonly clients: number, readonly bytes: number }

/** A line through points, by least squares. */
export interface Slope {
  readonly bytesPerClient: number
  /** Standard error of that. */
  readonly error: number
}

/** @throws RangeError for fewer than three points, through which any line is as good as another */
export const slopeOf = (points: readonly Point[]): Slope => {
  const count = points.length
  if (count < 3) throw new RangeError(`a slope needs three points, there are ${count}`)
  const mean = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0) / count
  const clients = mean((point) => point.clients)
  const bytes = mean((point) => point.bytes)
  const spread = points.reduce((sum, point) => sum + (point.clients - clients) ** 2, 0)
  const bytesPerClient = points.reduce((sum, point) => sum + (point.clients - clients) * (point.bytes - bytes), 0) / spread
  const squares = points.reduce((sum, point) => sum + (point.bytes - bytes - bytesPerClient * (point.clients - clients)) ** 2, 0)
  return { bytesPerClient, error: Math.sqrt(squares / (count - 2) / spread) }
}

/** The slope that it may have at most. */
export const mostSlope = ({ bytesPerClient, error }: Slope): number => bytesPerClient + 2 * error
