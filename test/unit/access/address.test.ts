import { expect } from 'chai'
import fc from 'fast-check'
import { isNetwork, limitKey, networks, normalizeIp } from '../../../lib/access/address.js'

describe('an address', () => {
  for (const [given, normal] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['nonsense', 'nonsense'],
    ['', '']
  ] as const) {
    it(`is normalised: ${given || 'nothing'} is ${normal || 'nothing'}`, () => {
      expect(normalizeIp(given)).to.equal(normal)
    })
  }

  for (const [given, key] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['x', 'x']
  ] as const) {
    it(`counts for a limit: ${given} by ${key}`, () => {
      expect(limitKey(given)).to.equal(key)
    })
  }

  it('shares its limit with exactly the addresses of its /64', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
    fc.assert(fc.property(groups, groups, fc.boolean(), (a, b, same) => {
      fc.pre(!a.slice(0, 4).every((group) => group === 0) && a.slice(0, 4).join() !== b.slice(0, 4).join())
      const other = same ? [...a.slice(0, 4), ...b.slice(4)] : b
      const text = (list: number[]): string => list.map((group) => group.toString(16)).join(':')
      expect(limitKey(text(a)) === limitKey(text(other))).to.equal(same)
    }))
  })
})

describe('a set of networks', () => {
  for (const [network, ip, inside] of [
    ['10.0.0.5/8', '10.9.9.9', true],
    ['10.0.0.5/8', '11.0.0.1', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['0.0.0.0/0', '192.0.2.2', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '192.0.2.2', false],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['2001:DB8::1', '2001:db8:0::1', true],
    ['::/0', 'garbage', false],
    ['0.0.0.0/0', '', false]
  ] as const) {
    it(`${network} ${inside ? 'holds' : 'does not hold'} ${ip || 'no address'}`, () => {
      expect(networks([network]).has(ip)).to.equal(inside)
    })
  }

  for (const text of ['', '10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/', '10.0.0.0/-1', 'fe80::1%eth0', 'localhost',
    '1.2.3.4/8/8', '::ffff:0.0.0.0/95', '010.0.0.1']) {
    it(`refuses ${text || 'nothing'}`, () => {
      expect(isNetwork(text)).to.equal(false)
      expect(() => networks([text])).to.throw(TypeError)
    })
  }
})
