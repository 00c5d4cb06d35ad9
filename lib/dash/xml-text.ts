import { withoutDollars } from '../access/hls-query.js'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&apos;', '\t': '&#9;', '\n': '&#10;', '\r': '&#13;'
}

/** Escapes a text for attributes and elements. */
export const escapeXml = (text: string): string => text.replace(/[&<>"'\t\n\r]/g, (character) => ENTITIES[character] ?? character)

/** Escapes a query for a manifest. */
export const escapeQuery = (query: string): string => escapeXml(withoutDollars(query))

/** A text's UTF-8, one character per byte. */
export const bytesOf = (text: string): string => /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')

/** Start and end of a text without surrounding XML white space. */
export const trimmed = (text: string): readonly [from: number, to: number] => {
  let [from, to] = [0, text.length]
  while (from < to && isSpace(text.charCodeAt(from))) from += 1
  while (from < to && isSpace(text.charCodeAt(to - 1))) to -= 1
  return [from, to]
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
