import { maskPath, maskQuery, maskSecrets } from '../mask.js'
import { explain } from './explain.js'
import { reasonCode } from '../observe/reason-code.js'
import type { Decision, SessionEnd, SessionFacts } from '../observe/hub.js'

/** A session that ended to make room for a newcomer. */
export interface EndedFor { readonly session: SessionFacts, readonly at: number }

/**
 * A verdict as it is shown, with the client's token masked.
 * @param ended - the sessions that ended later to make room for this client, as far as known
 */
export const shownDecision = ({ at, request, verdict, heldMs }: Decision, ended?: readonly EndedFor[]): object => ({
  time: new Date(at).toISOString(),
  session: request.sessionId,
  action: request.action,
  protocol: request.protocol,
  ip: request.ip,
  path: maskPath(request.path),
  streamPath: request.streamPath,
  origin: request.origin,
  userAgent: request.userAgent,
  query: maskQuery(request.query),
  user: verdict.userId,
  allowed: verdict.allowed,
  source: verdict.source,
  code: reasonCode(verdict),
  reason: maskSecrets(verdict.reason),
  explanation: explain(verdict),
  fault: verdict.fault === undefined ? undefined : maskSecrets(verdict.fault),
  status: verdict.status,
  backendMs: verdict.latencyMs === undefined ? undefined : Math.round(verdict.latencyMs),
  heldMs: heldMs === undefined ? undefined : Math.round(heldMs),
  ended: ended?.map(({ session: { id, ip, userAgent, streamPath, goneFor }, at: endedAt }) =>
    ({ id, time: new Date(endedAt).toISOString(), rule: goneFor?.rule, ip, userAgent, streamPath }))
})

interface Shown extends SessionFacts { readonly nextCheckAt?: number, readonly inBytes?: number, readonly outBytes?: number, readonly source?: string, readonly reason?: string }

const factsOf = ({ id, action, protocol, ip, path, streamPath, userAgent, user, startedAt, source }: Shown): object =>
  ({ id, user, ip, action, protocol, path: maskPath(path), streamPath, userAgent, startedAt: new Date(startedAt).toISOString(), source })

export const shownSession = (session: Shown): object => {
  const { inBytes = 0, outBytes = 0, reason, nextCheckAt } = session
  return { ...factsOf(session), inBytes, outBytes, reason: reason === undefined ? undefined : maskSecrets(reason), nextCheckAt: nextCheckAt && new Date(nextCheckAt).toISOString() }
}

export const shownEnd = (session: Shown, { at, ...end }: SessionEnd): object =>
  ({ ...factsOf(session), time: new Date(at).toISOString(), durationMs: at - session.startedAt, ...end, takenBy: session.goneFor && { ...session.goneFor.by, rule: session.goneFor.rule } })
