import type { Authorize } from '../access/authorize.js'
import type { Settings } from '../access/settings.js'
import type { Verdict, VerdictSource } from '../access/verdict.js'

/** Sources that a dry run does not override: they say nothing about the client's rights, and they protect the server. */
const ACTS: readonly VerdictSource[] = ['malformed', 'overload']

/** The verdict in a dry run of this action: a client that would be denied is let in, and the verdict says so. */
export const tried = (verdict: Verdict): Verdict => verdict.allowed || ACTS.includes(verdict.source)
  ? verdict
  : { ...verdict, allowed: true, source: 'dry-run', reason: `dry run, would be denied: ${verdict.reason}`, would: verdict }

/** Lets clients in whatever the verdict, to try a backend or a config without affecting anybody. */
export const dryRun = (next: Authorize, settings: Pick<Settings, 'dryRun'>): Authorize => settings.dryRun.length === 0
  ? next
  : async (request, signal) => {
    const verdict = await next(request, signal)
    return settings.dryRun.includes(request.action) ? tried(verdict) : verdict
  }
