import { expect } from 'chai'
import type { Options } from '../../../lib/options/options.js'
import { resolve } from '../../../lib/options/resolve.js'
import { warningsOf } from '../../../lib/options/warnings.js'

const URL = 'http://127.0.0.1:6000'

describe('the warning that a viewer\'s token can publish', () => {
  for (const [options, warns] of [
    [{}, true],
    [{ params: { kind: 'x' } }, true],
    [{ rules: [{ ip: '10.0.0.0/8', verdict: 'allow' }] }, true],
    [{ rules: [{ for: 'play', verdict: 'deny' }, { for: 'publish', verdict: 'pass' }] }, true],
    [{ params: { kind: 'a-{action}' } }, false],
    [{ publish: { url: 'http://127.0.0.1:6001' } }, false],
    [{ rules: [{ for: 'publish', verdict: 'deny' }] }, false],
    [{ actions: ['play'] }, false],
    [{ actions: ['publish'] }, false],
    [{ preset: 'ministra' }, false]
  ] as [Options, boolean][]) {
    it(`${warns ? 'is given' : 'is not given'} for ${JSON.stringify(options)}`, () => {
      expect(warningsOf(resolve({ url: URL, ...options })).map((text) => /a viewer's token can publish/.test(text))).to.deep.equal(warns ? [true] : [])
    })
  }
})
