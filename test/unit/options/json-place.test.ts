import { expect } from 'chai'
import fc from 'fast-check'
import { jsonPlace } from '../../../lib/options/json-place.js'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('where a text stops being JSON', () => {
  for (const [text, line, column, expected] of [
    ['', 1, 1, 'a value'],
    ['{\n  "a": 1,\n}', 3, 1, 'a name in double quotes'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, ', or }'],
    ["{ 'a': 1 }", 1, 3, 'a name in double quotes or }'],
    ['{ "a" 1 }', 1, 7, ':'],
    ['{ "a": [1, 2 }', 1, 14, ', or ]'],
    ['{ "a": [1, ] }', 1, 12, 'a value'],
    ['{ "a": tru }', 1, 8, 'a value'],
    ['{ "a": "b }', 1, 8, 'a value'],
    ['{ "a": 01 }', 1, 9, ', or }'],
    ['{ "a": 1 } // x', 1, 12, 'the end'],
    ['{ "a": 1', 1, 9, ', or }'],
    ['{ "a": "\\x" }', 1, 8, 'a value']
  ] as const) {
    it(`is line ${line}, column ${column} of ${JSON.stringify(text)}`, () => {
      expect(jsonPlace(text)).to.deep.equal({ line, column, expected })
    })
  }

  it('is nowhere in JSON, and somewhere in everything else', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom('', ',', '"', '}', ']', '{', '[', ':', '0', '-', '.', 'e', 't', '\\', '\n', 'N', '\u0001', '\u00a0'))
    fc.assert(fc.property(fc.json(), fc.array(change, { maxLength: 2 }), fc.constantFrom(undefined, 1), (json, changes, indent) => {
      const whole = JSON.stringify(JSON.parse(json), null, indent)
      const text = changes.reduce((now, [at, insert]) => {
        const cut = at % (now.length + 1)
        return now.slice(0, cut) + insert + now.slice(cut + (insert === '' ? 1 : 0))
      }, whole)
      expect(jsonPlace(text) === undefined).to.equal(isJson(text))
    }), { numRuns: 3000 })
  })
})
