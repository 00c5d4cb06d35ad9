import { Misuse } from '../errors.js'
import { REMOTE_USAGE, runRemote } from './remote.js'
import { duration, size, table } from './table.js'
import { visibleJson } from '../mask.js'

const FILTERS = { user: { type: 'string' }, ip: { type: 'string' }, path: { type: 'string' }, protocol: { type: 'string' }, action: { type: 'string' }, limit: { type: 'string' } } as const

const USAGE = `nms-http-auth sessions: who is in

  nms-http-auth sessions [--user USER] [--ip ADDRESS] [--path /live/s] [--protocol hls] [--action play] -c config.json

Lists the newest 100.

  --limit N          list N sessions, at most 1000
${REMOTE_USAGE}`

/** One entry of the API's list. */
export interface ListedSession {
  readonly id: string
  readonly user?: string
  readonly ip: string
  readonly streamPath: string
  readonly protocol: string
  readonly action: string
  readonly userAgent: string
  readonly startedAt: string
  readonly inBytes: number
  readonly outBytes: number
  /** Absent if the backend will not be asked again. */
  readonly nextCheckAt?: string
}

export interface SessionList { readonly total: number, readonly sessions: readonly ListedSession[] }

export const sessionTable = (sessions: readonly ListedSession[]): string => table(
  ['SESSION', 'USER', 'ADDRESS', 'STREAM', 'PROTOCOL', 'ACTION', 'SINCE', 'NEXT CHECK', 'IN', 'OUT', 'USER AGENT'],
  sessions.map(({ id, user = '-', ip, streamPath, protocol, action, startedAt, nextCheckAt, inBytes, outBytes, userAgent }) =>
    [id, user, ip, streamPath, protocol, action, duration(Date.now() - Date.parse(startedAt)), nextCheckAt === undefined ? '-' : duration(Date.parse(nextCheckAt) - Date.now()), size(inBytes), size(outBytes), userAgent])
)

/** Lists the running sessions. */
export const sessions = (args: string[]): Promise<number> => runRemote('sessions', USAGE, args, FILTERS, async (remote, { values, json }) => {
  const query = new URLSearchParams()
  for (const name of Object.keys(FILTERS)) if (typeof values[name] === 'string') query.set(name, values[name])
  const list = await remote.ask<SessionList>(`api/sessions?${query.toString()}`)
  if (json) process.stdout.write(`${visibleJson(list)}\n`)
  else if (list === undefined || list.total === 0) process.stdout.write('nobody is in\n')
  else {
    process.stdout.write(sessionTable(list.sessions))
    if (list.total > list.sessions.length) process.stdout.write(`and ${list.total - list.sessions.length} more\n`)
  }
  return list === undefined || list.total === 0 ? 1 : 0
}, ({ values: { limit }, positionals }) => {
  if (positionals.length > 0) throw new Misuse('sessions takes no arguments, only filters such as --ip')
  if (limit !== undefined && !/^[1-9]\d{0,3}$/.test(String(limit))) throw new Misuse('--limit must be a number from 1 to 1000')
})
