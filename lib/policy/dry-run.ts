import type { Authorize } from '../access/authorize.js'
import type { Settings } from '../access/settings.js'
import type { Verdict, VerdictSource } from '../access/verdict.js'

/** What no dry run lets in: it says nothing of the client's rights, and what it keeps out could hurt the server. */
const ACTS: readonly VerdictSource[] = ['malformed', 'overload']

/** What a verdict becomes in a dry run of this action: whoever would be denied is let in, and the verdict says so. */
export const tried = (verdict: Verdict): Verdict => verdict.allowed || ACTS.includes(verdict.source)
  ? verdict
  : { ...verdict, allowed: true, source: 'dry-run', reason: `dry run, would be denied: ${verdict.reason}`, would: verdict }

/** Lets clients in whatever the verdict, for trying a backend or a config without hurting anybody. */
export const dryRun = (next: Authorize, settings: Pick<Settings, 'dryRun'>): Authorize => settings.dryRun.length === 0
  ? next
  : async (request, signal) => {
    const verdict = await next(request, signal)
    return settings.dryRun.includes(request.action) ? tried(verdict) : verdict
  }
