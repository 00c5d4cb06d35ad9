import type { Verdict } from '../access/verdict.js'

/** What a verdict means, and what to do about it. */
export const explain = ({ source, allowed, status, fault }: Verdict): string => {
  if (fault !== undefined) return 'The backend gave a faulty answer. See the fault here, and the log of the backend.'
  switch (source) {
    case 'backend': return allowed
      ? 'The backend answered 200.'
      : `The backend refused${status === undefined ? '' : ` with status ${status}`}. To see why, run "nms-http-auth check" with the URL of this client: it sends the same request.`
    case 'default': return allowed
      ? 'The backend was down, and defaultAction is allow, so everybody gets in.'
      : 'The backend was down, and defaultAction is deny. Fix the backend; the client can then try again.'
    case 'rule': return allowed ? 'A rule in the config lets this client in; the backend was not asked.' : 'The config refuses this client; the backend was not asked. See rules, actions and publish.'
    case 'remembered': return allowed ? 'The backend allowed the same request earlier, and that answer is still valid.' : 'The backend refused the same request earlier, and that answer is still valid.'
    case 'last-verdict': return 'The backend was down, and it had allowed the same request before (lastVerdictMs).'
    case 'unanswered': return 'The backend answers other clients, but did not answer this request. It is slow, or cannot handle what this client sent.'
    case 'overload': return 'This server had reached a limit of its own (maxHeld, maxHeldPerIp, maxSessions, maxConnections), or was shutting down. Behind a proxy all clients seem to have one address: set trustProxy.'
    case 'dry-run': return 'Only the dry run let this client in. Without it, the client would be refused for the reason given.'
    case 'limit': return 'The user is already watching on as many devices as allowed (X-Max-Sessions, X-Unique, limits), or an operator has locked this client out for a while.'
    case 'malformed': return 'The client asked for something that is not a valid stream or file. Check its URL.'
    default: return ''
  }
}
