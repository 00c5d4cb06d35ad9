import { Misuse } from '../errors.js'
import { printable, visibleJson } from '../mask.js'
import { REMOTE_USAGE, runRemote } from './remote.js'
import { sessionTable, type SessionList } from './sessions.js'
import { duration, table } from './table.js'

const USAGE = `nms-http-auth why: why was this client refused, or let in?

  nms-http-auth why ADDRESS|USER|SESSION|STREAM|TOKEN -c config.json

Searches the newest 5,000 verdicts, the newest 1,000 ended sessions and all running ones. Give a token in full.

${REMOTE_USAGE}`

interface Verdict {
  readonly time: string
  readonly session: string
  readonly ip: string
  readonly user?: string
  readonly action: string
  readonly streamPath: string
  readonly path: string
  readonly allowed: boolean
  readonly source: string
  readonly reason: string
  readonly fault?: string
  readonly explanation: string
  /** Sessions that ended to make room for it. */
  readonly ended?: readonly { readonly id: string, readonly ip: string, readonly streamPath: string }[]
}
interface End {
  readonly time: string
  readonly id: string
  readonly streamPath: string
  readonly reason: string
  readonly takenBy?: { readonly session?: string, readonly ip: string, readonly userAgent: string, readonly rule: string }
}
interface Decided { readonly total: number, readonly verdicts: readonly Verdict[], readonly ends: readonly End[] }

const ago = (time: string): string => `${duration(Date.now() - Date.parse(time))} ago`

const text = ({ total, verdicts, ends }: Decided, { sessions, total: running }: SessionList): string => {
  const [newest] = verdicts
  const parts: string[] = []
  if (newest !== undefined) {
    parts.push(`${newest.ip} ${newest.allowed ? 'was let in' : 'was refused'} ${ago(newest.time)}: ${newest.reason}\n${newest.explanation}`)
    if (newest.fault !== undefined) parts.push(`fault: ${newest.fault}`)
    for (const { id, ip, streamPath } of newest.ended ?? []) parts.push(`session ${id} (${ip}, ${streamPath}) was ended for it`)
    parts.push('')
  }
  const lines = parts.map((part) => part.split('\n').map((line) => printable(line)).join('\n')).map((part) => `${part}\n`)
  if (verdicts.length > 0) {
    lines.push(table(['WHEN', 'VERDICT', 'BY', 'ADDRESS', 'USER', 'ACTION', 'STREAM', 'REASON'], verdicts.map((verdict) =>
      [ago(verdict.time), verdict.allowed ? 'let in' : 'refused', verdict.source, verdict.ip, verdict.user ?? '-', verdict.action, verdict.streamPath || verdict.path, verdict.reason])))
    if (total > verdicts.length) lines.push(`and ${total - verdicts.length} more\n`)
  }
  if (ends.length > 0) {
    lines.push('\n', table(['ENDED', 'REASON', 'SESSION', 'STREAM', 'PLACE TAKEN BY', 'ITS SESSION'], ends.map(({ time, reason, id, streamPath, takenBy }) =>
      [ago(time), takenBy === undefined ? reason : `${reason} (${takenBy.rule})`, id, streamPath, takenBy === undefined ? '-' : `${takenBy.ip} ${takenBy.userAgent}`, takenBy?.session ?? '-'])))
  }
  if (running > 0) lines.push('\nIn now:\n', sessionTable(sessions))
  return lines.join('')
}

/** Says why a client was refused or let in. */
export const why = (args: string[]): Promise<number> => runRemote('why', USAGE, args, {}, async (remote, { positionals: [q = ''], json }) => {
  const query = new URLSearchParams({ q, limit: '20' })
  const decided = await remote.ask<Decided>(`api/verdicts?${query.toString()}`) ?? { total: 0, verdicts: [], ends: [] }
  const running = await remote.ask<SessionList>(`api/sessions?${query.toString()}`) ?? { total: 0, sessions: [] }
  const known = decided.total > 0 || decided.ends.length > 0 || running.total > 0
  if (json) process.stdout.write(`${visibleJson({ ...decided, sessions: running.sessions })}\n`)
  else if (known) process.stdout.write(text(decided, running))
  else process.stdout.write(`nothing is known about ${printable(q, 100)}: it has made no request here lately, or was cut before it could (then the log says so)\n`)
  return known ? 0 : 1
}, ({ positionals }) => {
  if (positionals.length !== 1 || positionals[0] === '') throw new Misuse('name one address, user, session, stream or token')
})
