import { createHmac, randomBytes } from 'node:crypto'
import type { AuditSettings } from '../access/settings.js'
import { hideValues, maskPath, maskSecrets, printable } from '../mask.js'
import type { SessionFacts, Sink } from './hub.js'
import { openLineFile, type LineFileEvents } from './line-file.js'
import { reasonCode } from './reason-code.js'

/** 96 bits of a keyed hash: enough to find a token again, but not to guess it without the key. */
const HASH_CHARACTERS = 16

/** Hashes the values of a query, so that whoever has the key can find one again. */
const createHiding = ({ tokens, secret }: AuditSettings): { kid?: string, hide: (query: string) => string } => {
  if (tokens === 'mask') return { hide: (query) => hideValues(query, () => '***') }
  const key = secret ?? randomBytes(32)
  const hash = (text: string): string => createHmac('sha256', key).update(text).digest('base64url').slice(0, HASH_CHARACTERS)
  return { kid: hash('kid').slice(0, 8), hide: (query) => hideValues(query, (value) => `h:${hash(value)}`) }
}

const takerOf = ({ rule, by: { session, ip, userAgent } }: NonNullable<SessionFacts['goneFor']>): object =>
  ({ session, ip, userAgent: printable(userAgent, 1024), rule })

/** Writes every verdict and every end of a session, one JSON object per line, without sampling. */
export const createAudit = (settings: AuditSettings, events: LineFileEvents): Sink & { readonly lost: number, close(): Promise<void> } => {
  const file = openLineFile(settings.file, events)
  const { kid, hide } = createHiding(settings)
  const append = (line: object): void => { file.append(JSON.stringify(kid === undefined ? line : { ...line, kid })) }
  return {
    verdict({ at, request, verdict, heldMs }) {
      append({
        time: new Date(at).toISOString(),
        event: 'verdict',
        session: request.sessionId,
        action: request.action,
        protocol: request.protocol,
        ip: request.ip,
        path: maskPath(request.path),
        stream: printable(request.streamPath, 2048),
        origin: printable(request.origin, 1024),
        userAgent: printable(request.userAgent, 1024),
        query: request.query === '' ? undefined : hide(request.query),
        user: verdict.userId === undefined ? undefined : printable(verdict.userId, 256),
        allowed: verdict.allowed,
        source: verdict.source,
        code: reasonCode(verdict),
        reason: maskSecrets(verdict.reason),
        fault: verdict.fault === undefined ? undefined : maskSecrets(verdict.fault),
        status: verdict.status,
        backendMs: verdict.latencyMs === undefined ? undefined : Math.round(verdict.latencyMs),
        heldMs: heldMs === undefined ? undefined : Math.round(heldMs),
        rule: verdict.source === 'rule' ? /rules\[(\d+)\]/.exec(verdict.reason)?.[0] : undefined
      })
    },
    end(session, { at, inBytes, outBytes, reason }) {
      append({
        time: new Date(at).toISOString(),
        event: 'end',
        session: session.id,
        action: session.action,
        protocol: session.protocol,
        ip: session.ip,
        path: maskPath(session.path),
        stream: printable(session.streamPath, 2048),
        userAgent: printable(session.userAgent, 1024),
        user: session.user === undefined ? undefined : printable(session.user, 256),
        durationMs: at - session.startedAt,
        inBytes,
        outBytes,
        reason,
        takenBy: session.goneFor && takerOf(session.goneFor)
      })
      // The newcomer's verdict was written before it was known who would have to go, so this is a line of its own.
      if (session.goneFor?.by.session !== undefined) {
        append({ time: new Date(at).toISOString(), event: 'ended-for', ...takerOf(session.goneFor), ended: session.id })
      }
    },
    get lost() { return file.lost },
    close: () => file.close()
  }
}
