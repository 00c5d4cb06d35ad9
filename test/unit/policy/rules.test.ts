import { expect } from 'chai'
import fc from 'fast-check'
import type { AccessRequest } from '../../../lib/access/request.js'
import type { Settings } from '../../../lib/access/settings.js'
import { resolve } from '../../../lib/options/resolve.js'
import { rulePath } from '../../../lib/policy/rule-path.js'
import { rules } from '../../../lib/policy/rules.js'
import { fakeBackend, outcome, requestOf, stays } from './support.js'

const decide = (options: object, change: Partial<AccessRequest> = {}): Promise<string> => {
  const settings: Settings = resolve({ url: 'http://127.0.0.1:6000', ...options })
  return outcome(rules(fakeBackend().authorize, settings)(requestOf(change), stays))
}

describe('rules', () => {
  const publish = { action: 'publish' } as const
  for (const [what, given, change, seen] of [
    ['without any ask the backend', [], {}, 'allow by backend'],
    ['allow by address', [{ ip: '203.0.113.7', verdict: 'allow' }], {}, 'allow by rule'],
    ['deny by network', [{ ip: '203.0.113.0/24', verdict: 'deny' }], {}, 'deny by rule'],
    ['leave another address alone', [{ ip: '10.0.0.0/8', verdict: 'deny' }], {}, 'allow by backend'],
    ['deny by IPv6 network', [{ ip: '2001:db8::/32', verdict: 'deny' }], { ip: '2001:db8:9::1' }, 'deny by rule'],
    ['keep the families apart', [{ ip: '::/0', verdict: 'deny' }], {}, 'allow by backend'],
    ['do not take an unknown address for a known one', [{ ip: '0.0.0.0/0', verdict: 'allow' }], { ip: '' }, 'allow by backend'],
    ['can be for publishers only', [{ for: 'publish', verdict: 'deny' }], {}, 'allow by backend'],
    ['deny publishers', [{ for: 'publish', verdict: 'deny' }], publish, 'deny by rule'],
    ['look at the protocol', [{ protocol: 'rtmp', verdict: 'deny' }], {}, 'deny by rule'],
    ['keep rtmp and rtmps apart', [{ protocol: 'rtmps', verdict: 'deny' }], {}, 'allow by backend'],
    ['look at the stream path', [{ path: '/live/*', verdict: 'deny' }], {}, 'deny by rule'],
    ['look at the stream path and not at the file', [{ path: '*.flv', verdict: 'deny' }], { path: '/live/s.flv' }, 'allow by backend'],
    ['need every condition', [{ path: '/live/*', for: 'publish', verdict: 'deny' }], {}, 'allow by backend'],
    ['let the first match win', [{ path: '/live/s', verdict: 'allow' }, { verdict: 'deny' }], {}, 'allow by rule'],
    ['end with pass', [{ path: '/live/s', verdict: 'pass' }, { verdict: 'deny' }], {}, 'allow by backend']
  ] as const) {
    it(what, async () => {
      expect(await decide({ rules: given }, change)).to.equal(seen)
    })
  }

  for (const [what, options, change, seen] of [
    ['open an action that is not asked for', { actions: ['play'] }, publish, 'allow by rule'],
    ['ask about the other one', { actions: ['play'] }, {}, 'allow by backend'],
    ['come before what is open', { actions: ['play'], rules: [{ verdict: 'deny' }] }, publish, 'deny by rule'],
    ['ask about an open action that passes', { actions: ['play'], rules: [{ verdict: 'pass' }] }, publish, 'allow by backend'],
    ['refuse a publisher that a portal cannot know', { preset: 'ministra' }, publish, 'deny by rule'],
    ['refuse it also when it passes', { preset: 'ministra', rules: [{ verdict: 'pass' }] }, publish, 'deny by rule'],
    ['let it in by a rule', { preset: 'ministra', rules: [{ for: 'publish', verdict: 'allow' }] }, publish, 'allow by rule'],
    ['ask the publishers\' own backend', { preset: 'ministra', publish: { url: 'http://127.0.0.1:1' } }, publish, 'allow by backend'],
    ['ask the portal about its viewers', { preset: 'ministra' }, {}, 'allow by backend']
  ] as const) {
    it(what, async () => {
      expect(await decide(options, change)).to.equal(seen)
    })
  }

  it('tell the client the number of the rule, not its text', async () => {
    const settings = resolve({ url: 'http://x', rules: [{ path: '/x', verdict: 'allow' }, { ip: '203.0.113.0/24', verdict: 'deny' }] })
    const { reason } = await rules(fakeBackend().authorize, settings)(requestOf(), stays)
    expect(reason).to.equal('denied by rules[1]')
  })

  it('tell a refused publisher why', async () => {
    const settings = resolve({ preset: 'smarty', url: 'http://x' })
    const { reason } = await rules(fakeBackend().authorize, settings)(requestOf(publish), stays)
    expect(reason).to.match(/^Smarty knows viewers, not publishers/)
  })
})

describe('the path of a rule', () => {
  for (const [pattern, path, matches] of [
    ['/live/s', '/live/s', true],
    ['/live/s', '/live/S', false],
    ['/live/s', '/live/sx', false],
    ['/live/*', '/live/', true],
    ['/live/*', '/live/a/b', true],
    ['/live/*', '/lives/a', false],
    ['*', '', true],
    ['*/s', '/live/s', true],
    ['/*/s', '/s', false],
    ['/a*a', '/a', false],
    ['/a*a', '/aa', true],
    ['/*a*b*', '/xxayyb', true],
    ['/*a*b*', '/xxbyya', false],
    ['*ab*ab', 'ab', false],
    ['*ab*ab', 'abab', true],
    ['/live.s', '/livexs', false]
  ] as const) {
    it(`${pattern} ${matches ? 'matches' : 'does not match'} ${path || 'nothing'}`, () => {
      expect(rulePath(pattern)(path)).to.equal(matches)
    })
  }

  it('matches what the plainest definition matches', () => {
    const plain = (pattern: string, path: string): boolean => {
      if (pattern === '') return path === ''
      if (pattern[0] !== '*') return path[0] === pattern[0] && plain(pattern.slice(1), path.slice(1))
      return plain(pattern.slice(1), path) || (path !== '' && plain(pattern, path.slice(1)))
    }
    const text = (letters: string[]) => fc.array(fc.constantFrom(...letters), { maxLength: 9 }).map((list) => list.join(''))
    fc.assert(fc.property(text(['a', 'b', '*', '/']), text(['a', 'b', '/']), (pattern, path) => {
      expect(rulePath(pattern)(path)).to.equal(plain(pattern, path))
    }), { numRuns: 3000 })
  })

  it('decides a hostile path by looking through it once', () => {
    const matches = rulePath(`/${'*a'.repeat(50)}*c`)
    expect(matches(`/${'a'.repeat(100_000)}b`)).to.equal(false)
    expect(matches(`/${'a'.repeat(100_000)}c`)).to.equal(true)
  })
})
