import type { Action } from '../access/request.js'
import type { BackendSettings, Settings } from '../access/settings.js'

/** Settings in force for sessions of one action; `recheck: false`: no re-checks. */
export type RecheckSettings = Pick<BackendSettings, 'recheck' | 'recheckMs' | 'maxConnections'>

/** `undefined` if sessions are not re-checked: in a dry run, and for publishers without a backend of their own. */
export const recheckSettings = ({ dryRun, play, publish }: Pick<Settings, 'dryRun' | 'play' | 'publish'>, action: Action): RecheckSettings | undefined => {
  if (dryRun.includes(action)) return undefined
  if (action === 'play') return play
  return 'refuse' in publish || publish === play ? undefined : publish
}
