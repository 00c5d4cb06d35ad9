import { isUtf8 } from 'node:buffer'

/**
 * The text of a header or request target. Node decodes both as Latin-1; bytes that are valid UTF-8 are decoded as
 * UTF-8, others stay as they are.
 */
export const headerText = (latin1: string): string => {
  if (/^[\x00-\x7f]*$/.test(latin1)) return latin1
  const bytes = Buffer.from(latin1, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1
}
