import type { BackendSettings, Settings } from '../access/settings.js'
import { DEFAULTS } from './defaults.js'

/** Whether neither the request to the backend nor a rule tells publishers from viewers. */
const asksPublishersLikeViewers = ({ actions, play, publish, rules }: Settings): boolean =>
  actions.includes('play') && actions.includes('publish') && publish === play && !('refuse' in publish) &&
  !Object.values(publish.params).some((value) => value.includes('{action}')) &&
  !rules.some(({ for: action, verdict }) => action === 'publish' && verdict !== 'pass')

/** The backends of the checked actions, without duplicates. */
const backendsOf = ({ actions, play, publish }: Settings): BackendSettings[] =>
  [...new Set(actions.flatMap((action) => action === 'play' ? [play] : 'refuse' in publish ? [] : [publish]))]

/** Whether an outage changes verdicts while the default probe would miss one behind the backend's token check. */
const needsProbe = ({ defaultAction, lastVerdictMs, urls, probe: { path, query } }: BackendSettings): boolean =>
  (defaultAction === 'allow' || lastVerdictMs > 0 || urls.length > 1) && path === DEFAULTS.probe.path && query === ''

/** Settings that are valid but rarely intended, one sentence each, for the start and for `check`. */
export const warningsOf = (settings: Settings): string[] => [
  ...(settings.dryRun.length > 0
    ? [`DRY RUN: ${settings.dryRun.map((action) => action === 'play' ? 'viewers' : 'publishers').join(' and ')} are let in whatever the verdict` +
      (settings.dryRun.includes('publish') ? ', and anybody can take a stream name' : '')]
    : []),
  ...(asksPublishersLikeViewers(settings)
    ? ['the backend cannot tell publishers from viewers, so a viewer\'s token can publish: ' +
      'set "params": { "action": "{action}" } and check it in the backend, or add a section "publish" or a rule for publishers']
    : []),
  ...(backendsOf(settings).some(needsProbe)
    ? ['no "probe" is set, so an outage behind the backend\'s token check, such as of its database, goes unnoticed and refuses everybody: ' +
      'set "probe" to a token that the backend looks up and refuses']
    : [])
]
