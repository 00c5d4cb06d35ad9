import type { ConsoleLog } from './console.js'
import type { Sink } from './hub.js'

/** Writes events to the operator's log. */
export const createLogSink = (log: ConsoleLog): Sink => ({
  verdict: ({ request, verdict }) => log.verdict(request, verdict),
  outage: (change) => log.outage(change),
  cut: (ip, reason, detail) => log.cut(ip, reason, detail),
  end: (session, { reason, detail }) => { if (detail !== undefined) log.cutAdmitted(session, reason, detail) }
})
