import { HttpAuthError } from '../errors.js'
import { HttpAuth } from '../handle.js'
import { createConsoleLog } from '../observe/console.js'
import { metricsOnDemand } from '../observe/metrics.js'
import { createCounters, type Stats } from '../observe/stats.js'

/** A handle that does nothing, for a server that its operator leaves open. */
export const leaveOpen = (): HttpAuth => {
  createConsoleLog('none').banner(['httpAuth is false: this node-media-server is OPEN to everybody'])
  const counters = createCounters()
  const stats = (): Stats => ({ ...counters.read(), held: 0, viewers: 0, backends: [], dropped: {}, dryRun: false })
  return new HttpAuth(stats, {
    close: () => Promise.resolve(),
    drain: () => Promise.resolve(),
    reload: () => Promise.reject(new HttpAuthError('ERR_OPTIONS', 'this server is open on purpose; restart it to guard it')),
    sessions: () => [],
    end: () => Promise.resolve(0)
  }, metricsOnDemand(stats, () => undefined))
}
