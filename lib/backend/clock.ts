/** Milliseconds from any fixed point; must never jump. */
export type Clock = () => number
