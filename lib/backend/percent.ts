const ESCAPES = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)

/** Every UTF-8 byte of the text as `%XX`; a lone surrogate becomes U+FFFD. */
const escapeAll = (text: string): string => {
  let escaped = ''
  for (const byte of Buffer.from(text, 'utf8')) escaped += ESCAPES[byte] ?? ''
  return escaped
}

/** A client's query as it may appear in a request line: illegal characters are percent-encoded, nothing is decoded. */
export const encodeQuery = (query: string): string => query.replace(/[^!"$-~]+/g, escapeAll)

/** Percent-encodes a path (RFC 3986, 3.3). */
export const encodePath = (path: string): string => path.replace(/[^\w\-.~!$&'()*+,;=:@/]+/g, escapeAll)

/** Percent-encodes a name or value for a query, safely for every parser. */
export const encodeComponent = (text: string): string => text.replace(/[^\w\-.~]+/g, escapeAll)
