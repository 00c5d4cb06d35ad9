/** What one line of the log says. */
export interface Entry {
  readonly level: 'info' | 'warn' | 'error'
  /** What happened, printable and without secrets. */
  readonly msg: string
  /** Printable and without secrets; what is `undefined` is left out. */
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>
}

/** Makes a line of an entry. @param at - milliseconds since 1970 */
export type LineFormat = (entry: Entry, at: number) => string

/** Stands in each line, so that ours can be told from those of node-media-server on the same console. */
const OURS = '[http-auth]'

/** Quoted where a space, a quote or an `=` would make it ambiguous. */
const quoted = (value: string | number | boolean): string => {
  const text = String(value)
  return /^[^\s"=]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`
}

/** For people and for `grep`: time, level, what happened, then `key=value`. */
export const textLine: LineFormat = ({ level, msg, fields = {} }, at) => [
  new Date(at).toISOString(), level, OURS, msg,
  ...Object.entries(fields).flatMap(([key, value]) => value === undefined ? [] : [`${key}=${quoted(value)}`])
].join(' ')

/** pino's numbers. */
const LEVELS = { info: 30, warn: 40, error: 50 } as const

/** For programs: pino's field names and numbers, so that whatever reads pino's lines reads these. */
export const jsonLine: LineFormat = ({ level, msg, fields = {} }, at) => JSON.stringify({ level: LEVELS[level], time: at, name: 'http-auth', ...fields, msg })

/** The format by the option `logFormat`. */
export const LINE_FORMATS: Readonly<Record<'text' | 'json', LineFormat>> = { text: textLine, json: jsonLine }
