import { expect } from 'chai'
import type { IncomingHttpHeaders } from 'node:http'
import { answerConditionally } from '../../../../lib/gate/files/conditional.js'

const TEXT = Buffer.from('0123456789')
const TAG = '"t"'

describe('a rewritten playlist is answered', () => {
  const table: [what: string, headers: IncomingHttpHeaders, status: number, body: string, range?: string][] = [
    ['whole', {}, 200, '0123456789'],
    ['as unchanged', { 'if-none-match': TAG }, 304, ''], ['as unchanged to one of several tags', { 'if-none-match': '"a", W/"t"' }, 304, ''], ['as unchanged to any tag', { 'if-none-match': '*' }, 304, ''],
    ['whole to other tags', { 'if-none-match': '"x", "tt"' }, 200, '0123456789'],
    ['to who wants this one', { 'if-match': '"x", "t"' }, 200, '0123456789'], ['to who wants any', { 'if-match': '*' }, 200, '0123456789'],
    ['not to who wants another', { 'if-match': '"x"' }, 412, ''], ['not to a weak tag', { 'if-match': 'W/"t"' }, 412, ''],
    ['from a byte to another', { range: 'bytes=2-4' }, 206, '234', 'bytes 2-4/10'], ['from a byte on', { range: 'bytes=8-' }, 206, '89', 'bytes 8-9/10'],
    ['beyond its end', { range: 'bytes=8-99' }, 206, '89', 'bytes 8-9/10'], ['by its last bytes', { range: 'bytes=-3' }, 206, '789', 'bytes 7-9/10'], ['by more last bytes than it has', { range: 'bytes=-99' }, 206, '0123456789', 'bytes 0-9/10'],
    ['not where it has nothing', { range: 'bytes=10-' }, 416, '', 'bytes */10'], ['not by its last 0 bytes', { range: 'bytes=-0' }, 416, '', 'bytes */10'],
    ['whole to several ranges', { range: 'bytes=0-1,4-5' }, 200, '0123456789'], ['whole to a range of lines', { range: 'lines=0-1' }, 200, '0123456789'],
    ['whole to a range that ends before it begins', { range: 'bytes=4-2' }, 200, '0123456789'], ['whole to a range of nothing', { range: 'bytes=-' }, 200, '0123456789'],
    ['by a range if it is the same', { range: 'bytes=0-0', 'if-range': TAG }, 206, '0', 'bytes 0-0/10'], ['whole if it is another', { range: 'bytes=0-0', 'if-range': '"x"' }, 200, '0123456789'],
    ['whole if only a date is known', { range: 'bytes=0-0', 'if-range': 'Tue, 24 Nov 2026 20:00:00 GMT' }, 200, '0123456789'],
    ['as unchanged before any range', { range: 'bytes=0-0', 'if-none-match': TAG }, 304, '']
  ]
  for (const [what, headers, status, body, range] of table) {
    it(what, () => {
      const answer = answerConditionally(TEXT.length, TAG, headers)
      expect([answer.status, TEXT.toString('utf8', answer.from, answer.to), answer.range]).to.deep.equal([status, body, range])
    })
  }

  it('with nothing of an empty text to a range', () => {
    expect(answerConditionally(0, TAG, { range: 'bytes=0-' }).status).to.equal(416)
  })
})
