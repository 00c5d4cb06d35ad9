import type { Verdict } from '../access/verdict.js'

/** What an operator may want to know of a verdict at two in the morning: who decided, and what to do about it. */
export const explain = ({ source, allowed, status, fault }: Verdict): string => {
  if (fault !== undefined) return 'The answer of the backend was faulty. Look at the fault, then into the log of the backend.'
  switch (source) {
    case 'backend': return allowed
      ? 'The backend said 200.'
      : `The backend was asked and said ${status === undefined ? 'no' : status}. Ask it why: the command "check" sends the same question.`
    case 'default': return allowed
      ? 'The backend was in an outage, and defaultAction is allow: everybody gets in.'
      : 'The backend was in an outage, and defaultAction is deny. Mend the backend; the client may try again.'
    case 'rule': return allowed ? 'A rule of the config lets this client in without asking.' : 'A rule of the config refuses this client without asking. Look at rules, actions and publish.'
    case 'remembered': return allowed ? 'The backend allowed the same request before, and that still holds.' : 'The backend refused the same request before, and that still holds.'
    case 'last-verdict': return 'The backend was in an outage, and had allowed the same request before (lastVerdictMs).'
    case 'unanswered': return 'The backend answers others, and did not answer this question. It is slow, or cannot cope with what this client sent.'
    case 'overload': return 'This server was at a limit of its own (maxHeld, maxHeldPerIp, maxSessions, maxConnections), or was closing. Behind a proxy all clients have one address: see trustProxy.'
    case 'dry-run': return 'A dry run let this client in; without it, it would be refused for the reason given.'
    case 'limit': return 'The user watches on as many devices as it may (X-Max-Sessions, X-Unique, limits), or was closed by an operator for a while.'
    case 'malformed': return 'The client asked for something that is not a valid stream or file. Look at its URL.'
    default: return ''
  }
}
