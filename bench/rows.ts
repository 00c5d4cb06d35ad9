import type { Bench } from './row.js'
import { verdicts } from './rows/verdicts.js'

/** All benches, in the order of the table. */
export const benches: readonly Bench[] = [verdicts]
