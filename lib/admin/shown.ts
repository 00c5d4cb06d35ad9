import { maskPath, maskQuery, maskSecrets } from '../mask.js'
import { explain } from './explain.js'
import { reasonCode } from '../observe/reason-code.js'
import type { Decision, SessionEnd, SessionFacts } from '../observe/hub.js'

/** A verdict for people and programs: what the client sent, without its token. */
export const shownDecision = ({ at, request, verdict, heldMs }: Decision): object => ({
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
  heldMs: heldMs === undefined ? undefined : Math.round(heldMs)
})

export const shownSession = (session: SessionFacts & { readonly inBytes?: number, readonly outBytes?: number }): object =>
  ({ ...session, path: maskPath(session.path), startedAt: new Date(session.startedAt).toISOString() })

export const shownEnd = (session: SessionFacts, { at, ...end }: SessionEnd): object =>
  ({ ...shownSession(session), time: new Date(at).toISOString(), durationMs: at - session.startedAt, ...end })
