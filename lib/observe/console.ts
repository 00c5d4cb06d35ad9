import type { CutReason } from '../access/cut.js'
import type { AccessRequest } from '../access/request.js'
import type { Settings } from '../access/settings.js'
import type { Verdict } from '../access/verdict.js'
import { createFlood, later, type FloodLimits, type FloodSummary, type Later } from './flood.js'
import type { Outage, SessionFacts } from './hub.js'
import { textLine, type Entry, type LineFormat } from './line.js'
import { errorText, maskPath, maskQuery, maskSecrets, printable } from '../mask.js'

/** The operator's log on the console. Nothing that clients send can forge a line, and no token is printed. */
export interface ConsoleLog {
  /** Prints a line for a verdict, and one for a fault of the backend in it, if the level includes them. Floods are summed up. */
  verdict(request: AccessRequest, verdict: Verdict): void
  /** Prints a line when an outage begins, one each minute while it lasts, and one when it ends. */
  outage(outage: Outage): void
  /** Prints other news of the backend or the breaker. */
  notice(text: string): void
  /** NMS would not serve a client that had been let in, such as a second publisher. */
  refusedByHost(request: AccessRequest): void
  /** A connection was cut before it could say what it wants. */
  cut(ip: string, reason: CutReason, detail?: string): void
  /** An admitted client exceeded a bound, such as for unread data, or sent something that cannot be parsed. */
  cutAdmitted(session: Pick<SessionFacts, 'id' | 'ip' | 'action' | 'streamPath' | 'protocol'>, reason: string, detail: string): void
  /** Something that the operator probably did not intend; each text is printed once. */
  hint(text: string): void
  /** A bug, or something that must not happen. */
  error(text: string, error?: unknown): void
  /** Printed whatever the level. */
  banner(lines: readonly string[]): void
  /** Prints the summary of lines held back so far. */
  close(): void
}

/** How cuts are described. */
const CUT: Readonly<Record<CutReason, string>> = {
  timeout: 'no command in time',
  malformed: 'what it sent cannot be read',
  overflow: 'it sent too much before a command',
  limit: 'too many clients are waiting',
  proxy: 'its proxy sent no PROXY header'
}

const LEVELS: readonly Settings['log'][] = ['none', 'outages', 'denials', 'verdicts']

/** Interval of the reminders during an outage, in milliseconds. */
const STILL_MS = 60_000

/** A session id can be looked up in NMS's admin API and in the backend's log; a flash version tells little. */
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

/** Groups lines for summaries. The reason of a malformed request quotes the client, so it is left out. */
const kindOf = ({ allowed, source, reason }: Verdict): string =>
  `${allowed ? 'allowed' : 'denied'} by ${source}${source === 'malformed' ? '' : `: ${maskSecrets(reason)}`}`

/** A current outage, as far as the log needs it. */
interface Lasting { readonly since: number, letIn: number, refused: number, cancel: () => void }

/** Where lines go; replaced by tests. */
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
 * @param level one of `none`, `outages`, `denials`, `verdicts`; each includes those before it
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
  /** The backend did something that its operator should fix. */
  const fault = (text: string): void => {
    const msg = `fault of the backend: ${maskSecrets(text)}`
    if (shows.outages) guarded(msg, '', () => ({ level: 'warn', msg }))
  }

  /** By the reason of its first failure. Verdicts do not say which outage they met; there is rarely more than one. */
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
      // A dry run logs what would have been decided.
      const refused = !verdict.allowed || verdict.source === 'dry-run'
      if (!shows[refused ? 'denials' : 'verdicts']) return
      const entry = (): Entry => verdictEntry(request, verdict)
      // The operator asked to see each client that is let in. Only what strangers or outages cause can be a flood.
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
