import type { Spread } from './spread.js'

export type Unit = '×' | 'µs' | 'ms' | 'KiB' | 'B' | '1/s' | 'MB/s' | 'ms/MB'

/** A number with what it is a number of. */
export interface Measured { readonly name: string, readonly value: Spread, readonly unit: Unit }

/** One line of the table. */
export interface Figure {
  readonly bench: string
  /** Which of the bench's variants. */
  readonly variant: string
  /** The figure itself: a ratio of two measurements that were taken in turn, or their difference. */
  readonly figure: Spread
  readonly unit: Unit
  /** What the median should be; `undefined` where the figure is only shown. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number }
  /** What was measured, and the limit that it was measured against. */
  readonly absolute: readonly Measured[]
  /** The plugin's options that were in force and matter, and the backend's delay. */
  readonly options: Readonly<Record<string, string | number | boolean>>
  readonly note?: string
}

/** How much is measured. */
export interface Scale {
  readonly rounds: number
  /** One tiny round, to see that the bench works. */
  readonly tiny: boolean
}

/** One bench; what it starts it also ends. */
export interface Bench {
  readonly name: string
  /** What is measured over what, in one line. */
  readonly about: string
  run(scale: Scale): Promise<Figure[]>
}

/** Whether the median is as it should be. */
export const meets = ({ figure, goal }: Figure): boolean | undefined =>
  goal === undefined ? undefined : 'atMost' in goal ? figure.median <= goal.atMost : figure.median >= goal.atLeast
