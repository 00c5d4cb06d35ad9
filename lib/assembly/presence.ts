import type { Settings } from '../access/settings.js'
import type { Chain } from './chain.js'
import { joinFleet, type Fleet } from './fleet.js'
import type { HttpAuth } from '../handle.js'
import type { ConsoleLog } from '../observe/console.js'
import type { Hub } from '../observe/hub.js'
import { requestKey } from '../policy/request-key.js'
import { recheckSettings } from '../sessions/recheck-settings.js'
import { createRechecks, type Rechecks } from '../sessions/rechecks.js'
import { createRegistry, type Registry } from '../sessions/registry.js'

/** The running sessions, here and on servers that share the store, and their re-checks. */
export interface Presence {
  readonly sessions: Registry
  readonly rechecks: Rechecks
  /** `undefined` if no store is set. */
  readonly fleet: Fleet | undefined
  /** Ends sessions on all servers. */
  readonly end: HttpAuth['end']
  /** Ends every session as far as the plugin is concerned, and stops all re-checks. */
  close(reason: 'detached' | 'stopped'): void
}

interface Around {
  readonly first: Settings
  /** The ones in force. */
  readonly settings: Settings
  readonly chain: Pick<Chain, 'recheck' | 'forgetKeys'>
  readonly hub: Hub
  readonly log: ConsoleLog
}

export const createPresence = ({ first, settings, chain, hub, log }: Around): Presence => {
  const fleet = joinFleet(first.store, settings, log, () => ({ sessions, forgetKeys: chain.forgetKeys }))
  const sessions = createRegistry({
    // A dry run ends and refuses no session.
    limits: () => settings.dryRun.includes('play') ? false : settings.limits,
    store: fleet?.store,
    nextCheckAt: (session) => rechecks.nextAt(session),
    onLimit: (action) => hub.limitAction(action),
    onManyAddresses: (user) => log.hint(`user ${user} comes from 20 addresses or more; if many share this id, name it in limits.ignoreUsers`)
  })
  const rechecks = createRechecks({
    ask: (request, signal) => chain.recheck(request, signal),
    settingsOf: ({ action }) => recheckSettings(settings, action),
    requestKey,
    onResult: (result) => hub.recheck(result)
  })
  sessions.watch(rechecks)
  hub.add({ outage: ({ state }) => { if (state === 'end') rechecks.outageEnded() } })
  return {
    sessions,
    rechecks,
    fleet,
    end(which, order = {}) {
      const endHere = (): number => sessions.end(which, 'closed', order)
      return Promise.resolve(fleet === undefined ? endHere() : fleet.end(which, order, endHere))
    },
    close(reason) {
      sessions.close(reason)
      rechecks.close()
    }
  }
}
