/** Keeps the newest items, up to a bound; adding takes constant time. */
export interface Ring<T> {
  add(value: T): void
  /** The newest first. */
  newest(): Generator<T>
}

export const createRing = <T>(size: number): Ring<T> => {
  const values: T[] = []
  let next = 0
  return {
    add(value) {
      values[next] = value
      next = (next + 1) % size
    },
    * newest() {
      for (let n = 0; n < values.length; n++) {
        const value = values[(next - 1 - n + 2 * size) % size]
        if (value !== undefined) yield value
      }
    }
  }
}
