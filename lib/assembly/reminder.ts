import type { Settings } from '../access/settings.js'
import type { ConsoleLog } from '../observe/console.js'
import type { Counters, Stats } from '../observe/stats.js'
import { safely } from '../safely.js'

/** Time between reminders of a dry run, in milliseconds. */
const REMINDER_MS = 3_600_000

const wouldBeDenied = (verdicts: Stats['verdicts']): number =>
  Object.values(verdicts).flatMap((protocols) => Object.values(protocols)).reduce((sum, sources) => sum + (sources['dry-run']?.allowed ?? 0), 0)

/**
 * Reminds the operator of a dry run while one is on.
 * @returns a function that stops the reminders
 */
export const remindOfDryRun = (settings: Pick<Settings, 'dryRun'>, counters: Counters, log: ConsoleLog): (() => void) => {
  const timer = setInterval(safely(undefined, () => {
    if (settings.dryRun.length > 0) log.notice(`a dry run is on: clients are let in whatever the verdict; so far: ${wouldBeDenied(counters.read().verdicts)}`)
  }), REMINDER_MS).unref()
  return () => clearInterval(timer)
}
