import { networks } from '../access/address.js'
import type { Authorize } from '../access/authorize.js'
import type { AccessRequest } from '../access/request.js'
import type { RuleSettings, Settings } from '../access/settings.js'
import { allow, deny, type Verdict } from '../access/verdict.js'
import { trace } from '../trace.js'
import { rulePath } from './rule-path.js'

const debug = trace('policy')

/** Whether a request meets every condition of a rule. */
const compile = (rule: RuleSettings): (request: AccessRequest) => boolean => {
  const addresses = rule.ip === undefined ? undefined : networks([rule.ip])
  const path = rule.path === undefined ? undefined : rulePath(rule.path)
  return (request) =>
    (rule.for === undefined || rule.for === request.action) &&
    (rule.protocol === undefined || rule.protocol === request.protocol) &&
    (addresses === undefined || addresses.has(request.ip)) &&
    (path === undefined || path(request.streamPath))
}

/**
 * Applies the operator's rules. The first that matches wins; `pass` skips the others and asks the backend,
 * even about an action that is not checked otherwise. After the rules, actions that are not checked
 * are allowed, and publishers that the backend cannot know are refused.
 */
export const rules = (next: Authorize, settings: Pick<Settings, 'rules' | 'actions' | 'publish'>): Authorize => {
  const compiled = settings.rules.map((rule, index) => ({ ...rule, index, matches: compile(rule) }))
  const { actions, publish } = settings
  const decided = (request: AccessRequest): Verdict | undefined => {
    const rule = compiled.find(({ matches }) => matches(request))
    if (rule !== undefined) {
      debug('%s %s', request.sessionId, rule.text)
      // Clients are told the rule's number, not its text, which names the operator's networks.
      if (rule.verdict === 'allow') return allow('rule', `allowed by rules[${rule.index}]`)
      if (rule.verdict === 'deny') return deny('rule', `denied by rules[${rule.index}]`)
    } else if (!actions.includes(request.action)) {
      return allow('rule', `${request.action} is open to everybody`)
    }
    if (request.action === 'publish' && 'refuse' in publish) return deny('rule', publish.refuse)
    return undefined
  }
  return (request, signal) => {
    const verdict = decided(request)
    return verdict === undefined ? next(request, signal) : Promise.resolve(verdict)
  }
}
