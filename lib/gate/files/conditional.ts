import type { IncomingHttpHeaders } from 'node:http'

/** Status and byte range of an answer. */
export interface Answer {
  readonly status: 200 | 206 | 304 | 412 | 416
  /** First byte to send. */
  readonly from: number
  /** End of the range, exclusive. */
  readonly to: number
  /** The value of `Content-Range`. */
  readonly range?: string
}

const nothing = (status: Answer['status'], range?: string): Answer => ({ status, from: 0, to: 0, ...(range !== undefined && { range }) })

/**
 * Evaluates `If-Match`, `If-None-Match`, `If-Range` and `Range` for a text with a strong ETag and no date (RFC 9110,
 * sections 13 and 14). Several ranges, or a malformed one, get the whole text.
 *
 * @param length - length of the text in bytes
 */
export const answerConditionally = (length: number, etag: string, headers: IncomingHttpHeaders): Answer => {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers
  if (ifMatch !== undefined && !names(ifMatch, etag, false)) return nothing(412)
  if (ifNoneMatch !== undefined && names(ifNoneMatch, etag, true)) return nothing(304)
  const whole: Answer = { status: 200, from: 0, to: length }
  if (typeof ifRange === 'string' && ifRange.trim() !== etag) return whole
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/i.exec(headers.range?.trim() ?? '') ?? []
  if (first === '' && last === '') return whole
  const from = first === '' ? Math.max(0, length - Number(last)) : Number(first)
  const to = first === '' || last === '' ? length : Math.min(Number(last) + 1, length)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return whole
  return from >= to ? nothing(416, `bytes */${length}`) : { status: 206, from, to, range: `bytes ${from}-${to - 1}/${length}` }
}

/** Whether a list of entity tags contains this one. A weak comparison also matches tags marked as weak. */
const names = (list: string, etag: string, weakly: boolean): boolean =>
  list.trim() === '*' || list.split(',').some((item) => (weakly ? item.trim().replace(/^W\//, '') : item.trim()) === etag)
