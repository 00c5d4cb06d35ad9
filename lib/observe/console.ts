import type { CutReason } from '../access/cut.js'
import type { AccessRequest } from '../access/request.js'
import type { Settings } from '../access/settings.js'
import type { Verdict } from '../access/verdict.js'
import { createFlood, later, type FloodLimits, type FloodSummary, type Later } from './flood.js'
import type { Outage, SessionFacts } from './hub.js'
import { textLine, type Entry, type LineFormat } from './line.js'
import { errorText, maskPath, maskQuery, maskSecrets, printable } from '../mask.js'

/** What an operator reads on the console. Nothing in it can forge a line, and no token is in it. */
export interface ConsoleLog {
  /** One line for a verdict, and one for a fault of the backend in it, if the level asks for them; floods are summed up. */
  verdict(request: AccessRequest, verdict: Verdict): void
  /** A line when an outage begins, one a minute while it lasts, and one when it ends. */
  outage(outage: Outage): void
  /** Something about the backend or the breaker that is neither an outage's begin nor its end. */
  notice(text: string): void
  /** NMS would not serve a client that had been let in, such as a second publisher. */
  refusedByHost(request: AccessRequest): void
  /** A connection was cut before it could say what it wants. */
  cut(ip: string, reason: CutReason, detail?: string): void
  /** An admitted client crossed a bound, such as for what it leaves unread, or sent what cannot be read. */
  cutAdmitted(session: Pick<SessionFacts, 'id' | 'ip' | 'action' | 'streamPath' | 'protocol'>, reason: string, detail: string): void
  /** Something that the operator has probably not meant; the same text is printed once. */
  hint(text: string): void
  /** A bug, or something that must not happen. */
  error(text: string, error?: unknown): void
  /** Printed whatever the level. */
  banner(lines: readonly string[]): void
  /** Prints what is kept back of a flood. */
  close(): void
}

/** What a cut is called. */
const CUT: Readonly<Record<CutReason, string>> = {
  timeout: 'no command in time',
  malformed: 'what it sent cannot be read',
  overflow: 'it sent too much before a command',
  limit: 'too many clients are waiting',
  proxy: 'its proxy sent no PROXY header'
}

const LEVELS: readonly Settings['log'][] = ['none', 'outages', 'denials', 'verdicts']

/** How often an outage that lasts is told, in milliseconds. */
const STILL_MS = 60_000

/** An id can be sought in NMS's admin API and in the backend's log; a flash version says little. */
const requestEntry = (what: string, { action, streamPath, path, protocol, ip, sessionId }: AccessRequest): Entry => ({
  level: 'info',
  msg: `${what} ${action} ${streamPath === '' ? maskPath(path) : printable(streamPath, 200)}`,
  fields: { protocol, ip: printable(ip, 64), session: printable(sessionId, 64) }
})

const verdictEntry = (request: AccessRequest, verdict: Verdict, { msg, level, fields } = requestEntry(verdict.allowed ? 'allowed' : 'denied', request)): Entry => ({
  level,
  msg,
  fields: {
    ...fields,
    source: verdict.source,
    reason: maskSecrets(verdict.reason),
    user: verdict.userId === undefined ? undefined : printable(verdict.userId, 64),
    backendMs: verdict.latencyMs === undefined ? undefined : Math.round(verdict.latencyMs),
    query: request.query === '' ? undefined : maskQuery(request.query)
  }
})

/** What is summed up together. A malformed request's reason quotes what the client sent, so it is left out. */
const kindOf = ({ allowed, source, reason }: Verdict): string =>
  `${allowed ? 'allowed' : 'denied'} by ${source}${source === 'malformed' ? '' : `: ${maskSecrets(reason)}`}`

/** An outage that lasts, as far as the log tells of it. */
interface Lasting { readonly since: number, letIn: number, refused: number, cancel: () => void }

/** Where lines go, and what tests put in its place. */
export interface ConsoleOutput {
  /** Prints one line. */
  readonly write?: (line: string) => void
  readonly format?: LineFormat
  readonly limits?: FloodLimits
  readonly runLater?: Later
  readonly now?: () => number
}

/**
 * Makes the operator's log.
 * @param level each has what those before it have: `none`, `outages`, `denials`, `verdicts`
 */
export const createConsoleLog = (
  level: Settings['log'], { write = console.log, format = textLine, limits, runLater = later, now = Date.now }: ConsoleOutput = {}
): ConsoleLog => {
  const print = (entry: Entry): void => write(format(entry, now()))
  const shows = Object.fromEntries(LEVELS.map((least) => [least, LEVELS.indexOf(level) >= LEVELS.indexOf(least)])) as Record<Settings['log'], boolean>
  const flood = createFlood((summary) => { for (const entry of summaryEntries(summary)) print(entry) }, limits, runLater, now)
  const guarded = (kind: string, ip: string, entry: () => Entry): void => {
    if (flood.passes(kind, ip)) print(entry())
  }
  /** The backend did something that its operator should mend. */
  const fault = (text: string): void => {
    const msg = `fault of the backend: ${maskSecrets(text)}`
    if (shows.outages) guarded(msg, '', () => ({ level: 'warn', msg }))
  }

  /** By the reason that began it. Verdicts do not say which outage they met; there is seldom more than one. */
  const lasting = new Map<string, Lasting>()
  const told = ({ since, letIn, refused }: Lasting): NonNullable<Entry['fields']> => ({ seconds: Math.round((now() - since) / 100) / 10, letIn, refused })
  const begins = (reason: string): void => {
    const outage: Lasting = { since: now(), letIn: 0, refused: 0, cancel: () => undefined }
    const stillLasts = (): void => {
      print({ level: 'error', msg: `backend still unavailable: ${maskSecrets(reason)}`, fields: told(outage) })
      outage.cancel = runLater(stillLasts, STILL_MS)
    }
    outage.cancel = runLater(stillLasts, STILL_MS)
    lasting.set(reason, outage)
    print({ level: 'error', msg: `backend unavailable: ${maskSecrets(reason)}` })
  }
  const ends = ({ reason, requests }: Outage): void => {
    const outage = lasting.get(reason)
    outage?.cancel()
    lasting.delete(reason)
    const met = `${requests} ${requests === 1 ? 'request' : 'requests'} met the outage`
    print({ level: 'info', msg: `backend answers again, ${met}`, ...(outage !== undefined && { fields: told(outage) }) })
  }
  const hinted = new Set<string>()

  return {
    verdict(request, verdict) {
      if (verdict.fault !== undefined) fault(verdict.fault)
      const ofOutage = verdict.source === 'default' || verdict.source === 'last-verdict'
      if (ofOutage) for (const outage of lasting.values()) outage[verdict.allowed ? 'letIn' : 'refused'] += 1
      // In a dry run as it would be decided.
      const refused = !verdict.allowed || verdict.source === 'dry-run'
      if (!shows[refused ? 'denials' : 'verdicts']) return
      const entry = (): Entry => verdictEntry(request, verdict)
      // The operator asked to see each client that is let in; what strangers can cause, or an outage, may be a flood.
      if (!refused && verdict.source !== 'default') print(entry())
      else guarded(kindOf(verdict), request.ip, entry)
    },
    outage(outage) {
      if (!shows.outages) return
      if (outage.state === 'begin') begins(outage.reason)
      else ends(outage)
    },
    notice(text) {
      if (shows.outages) print({ level: 'warn', msg: maskSecrets(text) })
    },
    refusedByHost(request) {
      if (shows.denials) guarded('refused by node-media-server', request.ip, () => requestEntry('allowed, then refused by node-media-server or the app:', request))
    },
    cut(ip, reason, detail) {
      const msg = `cut a connection: ${CUT[reason]}`
      const fields = { ip: printable(ip, 64), reason, detail: detail === undefined ? undefined : printable(maskSecrets(detail), 200) }
      if (shows.denials) guarded(msg, ip, () => ({ level: 'info', msg, fields }))
    },
    cutAdmitted({ id, ip, action, streamPath, protocol }, reason, detail) {
      if (!shows.denials) return
      guarded(`cut an admitted client: ${printable(detail, 200).replace(/\d+/g, '…')}`, ip, () => ({
        level: 'warn', msg: `cut ${action} ${printable(streamPath, 200)}: ${printable(detail, 200)}`, fields: { protocol, ip: printable(ip, 64), session: printable(id, 64), reason }
      }))
    },
    hint(text) {
      if (!shows.outages || hinted.has(text)) return
      hinted.add(text)
      print({ level: 'warn', msg: maskSecrets(text) })
    },
    error(text, error) {
      if (!shows.outages) return
      const msg = `error: ${maskSecrets(text)}`
      guarded(msg, '', () => ({ level: 'error', msg: error === undefined ? msg : `${msg}: ${errorText(error)}` }))
    },
    banner(lines) {
      for (const line of lines) print({ level: 'info', msg: printable(line) })
    },
    close() {
      for (const { cancel } of lasting.values()) cancel()
      flood.flush()
    }
  }
}

const summaryEntries = ({ seconds, named, others }: FloodSummary): Entry[] => [
  ...named.map(({ kind, address, count }): Entry => ({ level: 'info', msg: `${count} more ${kind}`, fields: { ip: address === '' ? undefined : address, seconds } })),
  ...(others.count === 0 ? [] : [{ level: 'info', msg: `${others.count} more for other reasons`, fields: { addresses: others.addresses, seconds } } as const])
]
