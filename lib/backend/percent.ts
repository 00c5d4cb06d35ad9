const ESCAPES = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)

/** Every byte of the text's UTF-8 form as `%XX`; half a surrogate pair becomes U+FFFD, as everywhere in UTF-8. */
const escapeAll = (text: string): string => {
  let escaped = ''
  for (const byte of Buffer.from(text, 'utf8')) escaped += ESCAPES[byte] ?? ''
  return escaped
}

/** A client's query as it can stand in a request line: what cannot is percent-encoded, nothing is decoded. */
export const encodeQuery = (query: string): string => query.replace(/[^!"$-~]+/g, escapeAll)

/** A path that is not percent-encoded, as one that is (RFC 3986, 3.3). */
export const encodePath = (path: string): string => path.replace(/[^\w\-.~!$&'()*+,;=:@/]+/g, escapeAll)

/** A text as a name or value in a query, safe from every way of reading one. */
export const encodeComponent = (text: string): string => text.replace(/[^\w\-.~]+/g, escapeAll)
