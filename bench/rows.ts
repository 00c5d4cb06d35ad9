import type { Bench } from './row.js'
import { held } from './rows/held.js'
import { hls, sessions } from './rows/hls.js'
import { join } from './rows/join.js'
import { leak } from './rows/leak.js'
import { limits } from './rows/limits.js'
import { operator } from './rows/operator.js'
import { peers } from './rows/peers.js'
import { rechecks } from './rows/rechecks.js'
import { storm } from './rows/storm.js'
import { publish, relay } from './rows/throughput.js'
import { verdicts } from './rows/verdicts.js'

/** All benches, in the order of the table. */
export const benches: readonly Bench[] = [join, verdicts, storm, relay, publish, hls, held, sessions, limits, rechecks, leak, operator, peers]
