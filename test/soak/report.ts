import { leftovers, type Sample } from './sample.js'
import { mostSlope, slopeOf, type Slope } from './slope.js'
import type { Soaked } from './soak.js'

const MIB = 1024 * 1024
/** The part of a run in which code is still being compiled and tables grow. */
const WARM_UP = 1 / 2
/** A run with fewer samples after the warm-up says nothing about the slope. */
const MIN_SAMPLES = 8
/**
 * The heap is flat if it grows by less than this for each client that has come and gone, with all but
 * 2 % certainty. The least that V8 keeps for anything is 16: less than one object for every other client,
 * or a hundred bytes for one in twelve.
 */
export const FLAT_BYTES_PER_CLIENT = 8

/** What a run came to. */
export interface Judgement {
  /** Of the heap after the warm-up; `undefined` if the run was too short. */
  readonly slope: Slope | undefined
  readonly complaints: readonly string[]
}

export const judge = ({ samples, errors, outages }: Soaked): Judgement => {
  const warm = samples.slice(Math.ceil(samples.length * WARM_UP))
  const slope = warm.length < MIN_SAMPLES ? undefined : slopeOf(warm)
  const [first] = samples
  const last = samples.at(-1)
  return {
    slope,
    complaints: [
      ...(slope !== undefined && mostSlope(slope) > FLAT_BYTES_PER_CLIENT ? [`the heap is not flat: ${slopeText(slope)}`] : []),
      ...(first === undefined || last === undefined ? ['there are no samples'] : leftovers(last, first)),
      ...(outages === 0 ? ['there was no outage'] : []),
      ...errors.slice(0, 10)
    ]
  }
}

export const slopeText = (slope: Slope): string =>
  `${slope.bytesPerClient.toFixed(1)} ± ${(2 * slope.error).toFixed(1)} bytes a client`

export const HEAD = '| minute | clients | heap MiB | RSS MiB | sockets | descriptors | sessions |\n| --- | --- | --- | --- | --- | --- | --- |'

/** One line of the table. */
export const row = ({ minute, clients, bytes, rssBytes, handles, sessions }: Sample): string => `| ${[
  minute.toFixed(2), clients, (bytes / MIB).toFixed(2), (rssBytes / MIB).toFixed(0),
  `${handles['client'] ?? 0}+${handles['other socket'] ?? 0}`, handles['descriptors'] ?? '', sessions
].join(' | ')} |`
