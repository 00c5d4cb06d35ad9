import type { BackendSettings, Settings } from '../access/settings.js'
import { DEFAULTS } from './defaults.js'

/** Whether nothing that the backend is told, and no rule, tells a publisher from a viewer. */
const asksPublishersLikeViewers = ({ actions, play, publish, rules }: Settings): boolean =>
  actions.includes('play') && actions.includes('publish') && publish === play && !('refuse' in publish) &&
  !Object.values(publish.params).some((value) => value.includes('{action}')) &&
  !rules.some(({ for: action, verdict }) => action === 'publish' && verdict !== 'pass')

/** The sections of those who are asked for, without those that are one and the same. */
const backendsOf = ({ actions, play, publish }: Settings): BackendSettings[] =>
  [...new Set(actions.flatMap((action) => action === 'play' ? [play] : 'refuse' in publish ? [] : [publish]))]

/** Whether an outage lets somebody in, or sends questions elsewhere, and only one before the backend's check of the token would show. */
const needsProbe = ({ defaultAction, lastVerdictMs, urls, probe: { path, query } }: BackendSettings): boolean =>
  (defaultAction === 'allow' || lastVerdictMs > 0 || urls.length > 1) && path === DEFAULTS.probe.path && query === ''

/** What is allowed but seldom meant, a sentence each, for the start and for `check`. */
export const warningsOf = (settings: Settings): string[] => [
  ...(settings.dryRun.length > 0
    ? [`DRY RUN: ${settings.dryRun.map((action) => action === 'play' ? 'viewers' : 'publishers').join(' and ')} are let in whatever the verdict` +
      (settings.dryRun.includes('publish') ? ', and anybody can take a stream name' : '')]
    : []),
  ...(asksPublishersLikeViewers(settings)
    ? ['the backend cannot tell publishers from viewers, so a viewer\'s token publishes, too: ' +
      'set "params": { "action": "{action}" } and have the backend look at it, or add a section "publish" or a rule for publishers']
    : []),
  ...(backendsOf(settings).some(needsProbe)
    ? ['no "probe" is set, so an outage behind the backend\'s check of the token, such as of its database, is not seen as one and refuses everybody: ' +
      'name a token in "probe" that the backend looks up and refuses']
    : [])
]
