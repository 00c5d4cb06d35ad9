import type { Hub } from '../observe/hub.js'
import type { ConsoleLog } from '../observe/console.js'
import type { SessionWatcher } from '../sessions/registry.js'

/** Reports the begin and end of every session to the hub. */
export const createReports = (hub: Hub, log: ConsoleLog): SessionWatcher => ({
  begin: (session) => hub.start(session.record()),
  end(session) {
    const record = session.record()
    const { endReason = 'left', endDetail } = session
    hub.end(record, { at: Date.now(), inBytes: record.inBytes, outBytes: record.outBytes, reason: endReason, ...(endDetail !== undefined && { detail: endDetail }) })
  },
  released({ request }, reason) {
    if (reason === 'refused') log.refusedByHost(request)
  }
})
