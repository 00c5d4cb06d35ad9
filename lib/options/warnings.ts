import type { Settings } from '../access/settings.js'

/** Whether nothing that the backend is told, and no rule, tells a publisher from a viewer. */
const asksPublishersLikeViewers = ({ actions, play, publish, rules }: Settings): boolean =>
  actions.includes('play') && actions.includes('publish') && publish === play && !('refuse' in publish) &&
  !Object.values(publish.params).some((value) => value.includes('{action}')) &&
  !rules.some(({ for: action, verdict }) => action === 'publish' && verdict !== 'pass')

/** What is allowed but seldom meant, a sentence each, for the start and for `check`. */
export const warningsOf = (settings: Settings): string[] => [
  ...(asksPublishersLikeViewers(settings)
    ? ['the backend cannot tell publishers from viewers, so a viewer\'s token publishes, too: ' +
      'set "params": { "action": "{action}" } and have the backend look at it, or add a section "publish" or a rule for publishers']
    : [])
]
