import type { ChainHooks } from './chain.js'
import type { ConsoleLog } from '../observe/console.js'
import type { Hub } from '../observe/hub.js'

/** Reports outages and backend requests to the hub, and breaker and probe to the operator's log only. */
export const createChainHooks = (hub: Hub, log: ConsoleLog): ChainHooks => ({
  onBegin: ({ message, suspects }) => {
    hub.outage({ state: 'begin', reason: message, requests: 1 })
    if (suspects.length > 0) log.notice(`questions that were out when the backend fell silent: ${suspects.join(', ')}`)
  },
  onEnd: (requests, reason) => hub.outage({ state: 'end', reason, requests }),
  onOpen: (reason) => log.notice(`breaker opens, the backend is not asked for now: ${reason}`),
  onClose: () => log.notice('breaker closes, the backend is asked again'),
  onUnavailable: () => undefined,
  onAsked: (at, outcome, ms) => hub.asked(at, outcome, ms),
  onUselessProbe: (at) => log.notice(`${at} answers clients but not the probe, so that for now only a refused connection proves an outage; see "probe"`)
})
