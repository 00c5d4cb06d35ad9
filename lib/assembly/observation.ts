import type { Settings } from '../access/settings.js'
import { createConsoleLog, type ConsoleLog } from '../observe/console.js'
import { createHub, type Hub } from '../observe/hub.js'
import { LINE_FORMATS } from '../observe/line.js'
import { createLogSink } from '../observe/log-sink.js'
import { createOutageNow, type OutageNow } from '../observe/outage-now.js'
import { createCounters, type Counters } from '../observe/stats.js'
import { newest } from './newest.js'

/** The observers that are always on: console, counts and the current outage. */
export interface Observation {
  readonly hub: Hub
  /** Follows the options in force, so it can be kept. */
  readonly log: ConsoleLog
  readonly counters: Counters
  readonly outage: OutageNow
  /** Applies another level or format to the console, if the options have one. */
  replace(next: Settings): void
}

type Shape = Pick<Settings, 'log' | 'logFormat'>

const open = ({ log, logFormat }: Shape): ConsoleLog => createConsoleLog(log, { format: LINE_FORMATS[logFormat] })

export const createObservation = (first: Shape): Observation => {
  let shape = first
  let lines = open(first)
  const log = newest(() => lines)
  const hub = createHub((error) => log.error('what happened could not be passed on', error))
  const [counters, outage] = [createCounters(), createOutageNow()]
  for (const sink of [counters, outage, createLogSink(log)]) hub.add(sink)
  return {
    hub,
    log,
    counters,
    outage,
    replace(next) {
      if (next.log === shape.log && next.logFormat === shape.logFormat) return
      lines.close()
      shape = next
      lines = open(next)
    }
  }
}
