/** Printable text: control characters, and characters that could reorder or hide text, become escapes such as `\x1b`. */
export const printable = (text: string, max = 512): string => {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text
  return cut.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\\]/g,
    (c) => c === '\\' ? '\\\\' : c.charCodeAt(0) < 0x100
      ? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`
      : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}

/**
 * JSON that is safe on a terminal: characters that control it, or that reorder or hide others, are escaped as in JSON.
 * `indent` 0: on one line.
 */
export const visibleJson = (value: unknown, indent = 2): string => JSON.stringify(value, null, indent).replace(
  /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Longer queries are cut: nobody reads more, and a client could send megabytes. */
const MAX_QUERY = 2048

/** A parameter's name is shown if it looks like one; a part without a value could be a token itself. */
const maskPart = (part: string, hide: (value: string) => string): string => {
  const at = part.indexOf('=')
  const [name, value] = [part.slice(0, Math.max(at, 0)), part.slice(at + 1)]
  if (part === '') return ''
  return name.length <= 40 && /[^=]/.test(value) && at > 0 ? `${name}=${hide(value)}` : hide(part)
}

const HIDDEN = (): string => '***'

const maskParts = (query: string, hide: (value: string) => string = HIDDEN): string =>
  query.split(/([&;])/).map((part, index) => index % 2 === 0 ? maskPart(part, hide) : part).join('')

/** A query with every value replaced. Splits at `&` and `;`, as backends do. */
export const hideValues = (query: string, hide: (value: string) => string): string => printable(maskParts(query.slice(0, MAX_QUERY), hide), 2 * MAX_QUERY)

/** A query with every value hidden: `token=***&x=***`. Splits at `&` and `;`, as backends do. */
export const maskQuery = (query: string): string => printable(maskParts(query.slice(0, MAX_QUERY)))

/** URLs with their user and password hidden. */
const withoutUser = (text: string): string => text.replace(/:\/\/[^\s/@"'<>]*@/g, '://***@')

/** Text for people, such as an error's message, with the queries, credentials and tokens in it hidden. */
export const maskSecrets = (text: string): string =>
  printable(withoutUser(text.slice(0, MAX_QUERY))
    .replace(/\?([^\s"'<>]+)/g, (_, query: string) => `?${maskParts(query)}`)
    .replace(/\b(bearer|basic) +[^\s"',]+/gi, '$1 ***')
    .replace(/\b((?:\w|-){0,20}(?:token|password|secret|sign|authorization|api-?key))(["']?\s*[=:]\s*)["']?[^\s"'&;,]+/gi, '$1$2***'))

/**
 * A path with everything after its first query mark hidden: in a malformed request a token may be there, as in
 * `/live?token=…/s` or `/live/s.flv%3Ftoken=…`.
 */
export const maskPath = (path: string): string => {
  const shown = withoutUser(path.slice(0, MAX_QUERY))
  const mark = /[?;#&=]|%(?:25)*(?:3[bdf]|2[36])/i.exec(shown)
  const end = mark === null ? shown.length : mark.index + mark[0].length
  return printable(end < shown.length ? `${shown.slice(0, end)}***` : shown, 200)
}

/** An error for people: its message and where it was thrown, without secrets. */
export const errorText = (error: unknown): string => {
  if (!(error instanceof Error)) return maskSecrets(String(error))
  const place = error.stack?.split('\n').find((line) => /^\s+at /.test(line))?.trim() ?? ''
  return `${maskSecrets(`${error.name}: ${error.message}`)}${place && ` (${printable(place)})`}`
}
