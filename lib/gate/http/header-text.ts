import { isUtf8 } from 'node:buffer'

/**
 * What a client meant by a header or a request target. Node decodes both as Latin-1; where the
 * bytes are UTF-8 they are read as that, else each byte stays the character that it is.
 */
export const headerText = (latin1: string): string => {
  if (/^[\x00-\x7f]*$/.test(latin1)) return latin1
  const bytes = Buffer.from(latin1, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1
}
