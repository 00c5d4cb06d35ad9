import type { CutReason } from '../access/cut.js'
import type { AccessRequest } from '../access/request.js'
import type { Settings } from '../access/settings.js'
import type { Verdict } from '../access/verdict.js'
import { createFlood, type FloodLimits, type Later } from './flood.js'
import { errorText, maskPath, maskQuery, maskSecrets, printable } from '../mask.js'

/** What an operator reads on the console. Nothing in it can forge a line, and no token is in it. */
export interface ConsoleLog {
  /** One line for a verdict, and one for a fault of the backend in it, if the level asks for them; floods are summed up. */
  verdict(request: AccessRequest, verdict: Verdict): void
  outageBegins(reason: string): void
  /** @param requests how many met the outage */
  outageEnds(requests: number): void
  /** Something about the backend or the breaker that is neither an outage's begin nor its end. */
  notice(text: string): void
  /** A connection was cut before it could say what it wants. */
  cut(ip: string, reason: CutReason): void
  /** A bug, or something that must not happen. */
  error(text: string, error?: unknown): void
  /** Printed whatever the level. */
  banner(lines: readonly string[]): void
  /** Prints what is kept back of a flood. */
  close(): void
}

const PREFIX = '[http-auth]'

/** What a cut is called. */
const CUT: Readonly<Record<CutReason, string>> = {
  timeout: 'no command in time',
  malformed: 'what it sent cannot be read',
  overflow: 'it sent too much before a command',
  limit: 'too many clients are waiting',
  proxy: 'its proxy sent no PROXY header'
}

const LEVELS: readonly Settings['log'][] = ['none', 'outages', 'denials', 'verdicts']

/** An id can be sought in NMS's admin API and in the backend's log; a flash version says little. */
const verdictLine = ({ action, streamPath, path, protocol, ip, sessionId, query }: AccessRequest, verdict: Verdict): string => [
  verdict.allowed ? 'allowed' : 'denied',
  action,
  streamPath === '' ? maskPath(path) : printable(streamPath, 200),
  protocol,
  printable(ip, 64),
  `session=${printable(sessionId, 64)}`,
  `by ${verdict.source}: ${maskSecrets(verdict.reason)}`,
  ...(verdict.latencyMs === undefined ? [] : [`(${Math.round(verdict.latencyMs)} ms)`]),
  ...(query === '' ? [] : [`query ${maskQuery(query)}`])
].join(' ')

/**
 * Makes the operator's log.
 * @param level each has what those before it have: `none`, `outages`, `denials`, `verdicts`
 * @param write prints one line
 */
export const createConsoleLog = (
  level: Settings['log'], write: (line: string) => void = console.log, limits?: FloodLimits, later?: Later
): ConsoleLog => {
  const print = (text: string): void => write(`${PREFIX} ${text}`)
  const shows = Object.fromEntries(LEVELS.map((least) => [least, LEVELS.indexOf(level) >= LEVELS.indexOf(least)])) as Record<Settings['log'], boolean>
  const flood = createFlood(print, limits, later)
  const guarded = (kind: string, ip: string, text: () => string): void => {
    if (flood.passes(kind, ip)) print(text())
  }
  /** The backend did something that its operator should mend. */
  const fault = (text: string): void => {
    const line = `fault of the backend: ${maskSecrets(text)}`
    if (shows.outages) guarded(line, '', () => line)
  }
  return {
    verdict(request, verdict) {
      if (verdict.fault !== undefined) fault(verdict.fault)
      if (!shows[verdict.allowed ? 'verdicts' : 'denials']) return
      const text = (): string => verdictLine(request, verdict)
      // Who is let in is asked for line by line; what strangers can cause, or an outage, may be a flood.
      if (verdict.allowed && verdict.source !== 'default') print(text())
      else guarded(`${verdict.allowed ? 'allowed' : 'denied'} by ${verdict.source}: ${maskSecrets(verdict.reason)}`, request.ip, text)
    },
    outageBegins(reason) {
      if (shows.outages) print(`backend unavailable: ${maskSecrets(reason)}`)
    },
    outageEnds(requests) {
      if (shows.outages) print(`backend answers again, ${requests} ${requests === 1 ? 'request' : 'requests'} met the outage`)
    },
    notice(text) {
      if (shows.outages) print(maskSecrets(text))
    },
    cut(ip, reason) {
      const why = CUT[reason]
      if (shows.denials) guarded(`cut: ${why}`, ip, () => `cut a connection of ${printable(ip, 64)}: ${why}`)
    },
    error(text, error) {
      if (!shows.outages) return
      guarded(`error: ${maskSecrets(text)}`, '', () =>
        `error: ${maskSecrets(text)}${error === undefined ? '' : `: ${errorText(error)}`}`)
    },
    banner(lines) {
      for (const line of lines) print(printable(line))
    },
    close: () => flood.flush()
  }
}
