import { expect } from 'chai'
import fc from 'fast-check'
import { createHeld, type Release } from '../../../../lib/gate/door/slots.js'

describe('the held clients', () => {
  it('are bounded', () => {
    const held = createHeld({ maxHeld: 2, maxHeldPerIp: 0 })
    const release = held.enter('192.0.2.1')
    held.enter('192.0.2.2')
    expect(held.enter('192.0.2.3')).to.equal(undefined)
    release?.()
    expect(held.enter('192.0.2.3')).to.be.a('function')
  })

  it('are bounded for each address, and leave room for others', () => {
    const held = createHeld({ maxHeld: 10, maxHeldPerIp: 2 })
    held.enter('192.0.2.1')
    held.enter('::ffff:192.0.2.1')
    expect(held.enter('192.0.2.1')).to.equal(undefined)
    expect(held.enter('192.0.2.2')).to.be.a('function')
  })

  it('of IPv6 are counted by /64', () => {
    const held = createHeld({ maxHeld: 0, maxHeldPerIp: 2 })
    held.enter('2001:db8:0:1::1')
    held.enter('2001:db8:0:1:ffff::2')
    expect(held.enter('2001:db8:0:1::3')).to.equal(undefined)
    expect(held.enter('2001:db8:0:2::1')).to.be.a('function')
  })

  it('have no limit at 0', () => {
    const held = createHeld({ maxHeld: 0, maxHeldPerIp: 0 })
    for (let i = 0; i < 10_000; i += 1) expect(held.enter('192.0.2.1')).to.be.a('function')
    expect(held.size).to.equal(10_000)
  })

  it('leave once, however often they are let go', () => {
    const held = createHeld({ maxHeld: 5, maxHeldPerIp: 5 })
    const release = held.enter('192.0.2.1')
    held.enter('192.0.2.1')
    release?.()
    release?.()
    expect(held.size).to.equal(1)
  })

  it('count to nothing once all have left, in any order', () => {
    const step = fc.record({ ip: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', ''), leave: fc.boolean(), pick: fc.nat() })
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const held = createHeld({ maxHeld: 6, maxHeldPerIp: 3 })
      const inside: Release[] = []
      for (const { ip, leave, pick } of steps) {
        const release = held.enter(ip)
        if (release !== undefined) inside.push(release)
        if (leave && inside.length > 0) inside.splice(pick % inside.length, 1)[0]?.()
        expect(held.size).to.equal(inside.length).and.be.at.most(6)
      }
      for (const release of inside) release()
      expect(held.size).to.equal(0)
      expect(held.addresses).to.equal(0)
    }))
  })
})
