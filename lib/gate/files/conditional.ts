import type { IncomingHttpHeaders } from 'node:http'

/** What is sent of a text. */
export interface Answer {
  readonly status: number
  readonly body: Buffer
  /** The value of `Content-Range`. */
  readonly range?: string
}

const NOTHING = Buffer.alloc(0)

/**
 * Answers `If-Match`, `If-None-Match`, `If-Range` and `Range` for a text that has a strong ETag and
 * no date (RFC 9110, 13 and 14). Of several ranges, as of ranges that cannot be read, all is sent.
 */
export const answerConditionally = (text: Buffer, etag: string, headers: IncomingHttpHeaders): Answer => {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers
  if (ifMatch !== undefined && !names(ifMatch, etag, false)) return { status: 412, body: NOTHING }
  if (ifNoneMatch !== undefined && names(ifNoneMatch, etag, true)) return { status: 304, body: NOTHING }
  const whole = { status: 200, body: text }
  if (typeof ifRange === 'string' && ifRange.trim() !== etag) return whole
  const [, first = '', last = ''] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(headers.range ?? '') ?? []
  if (first === '' && last === '') return whole
  const start = first === '' ? Math.max(0, text.length - Number(last)) : Number(first)
  const end = first === '' || last === '' ? text.length - 1 : Math.min(Number(last), text.length - 1)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return whole
  if (start > end) return { status: 416, body: NOTHING, range: `bytes */${text.length}` }
  return { status: 206, body: text.subarray(start, end + 1), range: `bytes ${start}-${end}/${text.length}` }
}

/** Whether a list of entity tags names this one. A weak comparison takes one marked as weak, too. */
const names = (list: string, etag: string, weakly: boolean): boolean =>
  list.trim() === '*' || list.split(',').some((item) => (weakly ? item.trim().replace(/^W\//, '') : item.trim()) === etag)
