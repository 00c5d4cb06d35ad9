import { expect } from 'chai'
import fc from 'fast-check'
import { PIECE_BYTES, TemplateBuilder } from '../../../lib/hls/template.js'

const RUNS = { seed: 1, numRuns: 500 }

describe('a template', () => {
  const links = fc.array(fc.record({ before: fc.string({ maxLength: 5 }), link: fc.constantFrom('a', 'b?x', 'c?', '?d', 'e#?'), written: fc.constantFrom(undefined, 'long-name', 'f?y') }), { maxLength: 40 })
  const build = (parts: readonly { before: string, link: string, written: string | undefined }[]) => {
    const source = Buffer.from(parts.map(({ before, link }) => before + link).join(''), 'utf8')
    const builder = new TemplateBuilder(source)
    let at = 0
    let expected: (query: string) => string = () => ''
    for (const { before, link, written = link } of parts) {
      at += Buffer.byteLength(before)
      const place = /^[^?#]*\?/.exec(written)?.[0].length ?? written.split('#')[0]!.length
      builder.link(at, at + link.length, written, place)
      at += link.length
      const [all, own] = [expected, written[place - 1] === '?']
      expected = (query) => all(query) + before + written.slice(0, place) + (own ? `${query}&` : query && `?${query}`) + written.slice(place)
    }
    return { template: builder.done(), expected }
  }

  it('is as long as it says, and the same in whatever parts it is read', () => {
    fc.assert(fc.property(links, fc.constantFrom('', 'token=1', 'q'.repeat(3000)), fc.nat(4000), fc.nat(4000), (parts, query, from, length) => {
      const { template, expected } = build(parts.filter(({ before }) => !before.includes('?')))
      const whole = Buffer.concat([...template.read(query)])
      expect(whole.toString()).to.equal(expected(query))
      expect(template.byteLength(query)).to.equal(whole.length)
      const to = Math.min(whole.length, from + length)
      if (from < to) expect(Buffer.concat([...template.read(query, from, to)]).equals(whole.subarray(from, to))).to.equal(true)
    }), RUNS)
  })

  it('is made in pieces', () => {
    const { template } = build(Array.from({ length: 3000 }, () => ({ before: '\n', link: 'segment.ts', written: undefined })))
    const pieces = [...template.read('q'.repeat(4096))]
    expect(pieces.slice(0, -1).every(({ length }) => length === PIECE_BYTES)).to.equal(true)
    expect(pieces.reduce((sum, { length }) => sum + length, 0)).to.equal(template.byteLength('q'.repeat(4096)))
  })
})
