/** One line of the log. */
export interface Entry {
  readonly level: 'info' | 'warn' | 'error'
  /** Printable and without secrets. */
  readonly msg: string
  /** Printable and without secrets; `undefined` values are left out. */
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>
}

/** Formats an entry. @param at - milliseconds since 1970 */
export type LineFormat = (entry: Entry, at: number) => string

/** Part of each line, to tell ours from node-media-server's on the same console. */
const OURS = '[http-auth]'

/** Quotes a value if a space, a quote or an `=` would make it ambiguous. */
const quoted = (value: string | number | boolean): string => {
  const text = String(value)
  return /^[^\s"=]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`
}

/** For people and `grep`: time, level, message, then `key=value` pairs. */
export const textLine: LineFormat = ({ level, msg, fields = {} }, at) => [
  new Date(at).toISOString(), level, OURS, msg,
  ...Object.entries(fields).flatMap(([key, value]) => value === undefined ? [] : [`${key}=${quoted(value)}`])
].join(' ')

/** pino's numbers. */
const LEVELS = { info: 30, warn: 40, error: 50 } as const

/** For programs: pino's field names and numbers, so that tools for pino can read it. */
export const jsonLine: LineFormat = ({ level, msg, fields = {} }, at) => JSON.stringify({ level: LEVELS[level], time: at, name: 'http-auth', ...fields, msg })

/** The format by the option `logFormat`. */
export const LINE_FORMATS: Readonly<Record<'text' | 'json', LineFormat>> = { text: textLine, json: jsonLine }
