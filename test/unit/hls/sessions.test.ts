import { expect } from 'chai'
import sinon from 'sinon'
import type { Session } from '../../../lib/hls/session.js'
import { createSessions, type Place, type Sessions } from '../../../lib/hls/sessions.js'

describe('the register of sessions', () => {
  let clock: sinon.SinonFakeTimers
  let idle: string[]
  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
    idle = []
  })
  afterEach(() => clock.restore())

  const make = (limits: { maxSessions?: number, maxSessionsPerIp?: number } = {}): Sessions<string> => createSessions<string>({
    idleMs: 1000, maxSessions: 100, maxSessionsPerIp: 10, ...limits, now: () => Date.now(), onIdle: ({ value }) => idle.push(value)
  })
  const open = (sessions: Sessions<string>, key: string, ip = '192.0.2.1'): Session<string> => {
    const place = sessions.reserve(ip)
    expect(place, `a place for ${key}`).to.not.equal(undefined)
    return (place as Place<string>).open(key, key)
  }

  it('finds a session by its key until it has been idle', () => {
    const sessions = make()
    const session = open(sessions, 'a')
    expect(sessions.find('a')).to.equal(session)
    expect(sessions.find('b')).to.equal(undefined)
    clock.tick(999)
    expect(idle).to.deep.equal([])
    clock.tick(1300)
    expect(idle).to.deep.equal(['a'])
    expect([sessions.find('a'), sessions.size, sessions.keys, session.ended]).to.deep.equal([undefined, 0, 0, true])
  })

  it('keeps a session that is used, and one whose response is still sent', () => {
    const sessions = make()
    const used = open(sessions, 'used')
    const busy = open(sessions, 'busy')
    open(sessions, 'left')
    sessions.begin(busy)
    for (let i = 0; i < 10; i++) {
      sessions.begin(used)
      sessions.done(used)
      clock.tick(500)
    }
    expect(idle).to.deep.equal(['left'])
    sessions.done(busy)
    clock.tick(999)
    expect(idle).to.deep.equal(['left', 'used'])
    clock.tick(1300)
    expect(idle).to.deep.equal(['left', 'used', 'busy'])
  })

  it('has one timer however many sessions and requests there are, and none when there are none', () => {
    const sessions = make()
    for (let i = 0; i < 50; i++) {
      const session = open(sessions, `${i}`, `192.0.2.${i}`)
      sessions.begin(session)
      sessions.done(session)
    }
    expect(clock.countTimers()).to.equal(1)
    clock.tick(5000)
    expect(idle).to.have.length(50)
    expect(clock.countTimers()).to.equal(0)
  })

  it('has no place for more than its limits, and the live make none', () => {
    const sessions = make({ maxSessions: 3, maxSessionsPerIp: 2 })
    open(sessions, 'a', '2001:db8::1')
    open(sessions, 'b', '2001:db8::2')
    expect(sessions.reserve('2001:db8::3'), 'the same /64').to.equal(undefined)
    open(sessions, 'c', '2001:db8:0:1::1')
    expect(sessions.reserve('192.0.2.1'), 'full').to.equal(undefined)
    expect(idle).to.deep.equal([])
  })

  it('makes room by those whose time is over, though no timer has come to it', () => {
    const sessions = make({ maxSessions: 1 })
    open(sessions, 'a')
    clock.setSystemTime(2000)
    open(sessions, 'b')
    expect(idle).to.deep.equal(['a'])
    expect(sessions.size).to.equal(1)
  })

  it('counts who is being let in, and no more once they are given back', () => {
    const sessions = make({ maxSessions: 2, maxSessionsPerIp: 2 })
    const places = [sessions.reserve('192.0.2.1'), sessions.reserve('192.0.2.1')]
    expect(sessions.reserve('192.0.2.2')).to.equal(undefined)
    places[0]?.free()
    places[0]?.free()
    places[1]?.open('a', 'a')
    places[1]?.free()
    expect(sessions.reserve('192.0.2.1')).to.not.equal(undefined)
    expect(sessions.reserve('192.0.2.1')).to.equal(undefined)
  })

  it('lets those that play recordings be silent for longer', () => {
    const sessions = createSessions<string>({ idleMs: 1000, vodIdleMs: 5000, maxSessions: 100, maxSessionsPerIp: 10, now: () => Date.now(), onIdle: ({ value }) => idle.push(value) })
    const [a, b, c] = ['a', 'b', 'c'].map((key) => open(sessions, key))
    for (const session of [a, b]) sessions.linger(session!, true)
    clock.tick(2000)
    expect(idle).to.deep.equal(['c'])
    sessions.linger(c!, true)
    sessions.linger(a!, false)
    clock.tick(1300)
    expect(idle).to.deep.equal(['c', 'a'])
    clock.tick(2000)
    expect(idle).to.deep.equal(['c', 'a', 'b'])
    expect([sessions.size, clock.countTimers()]).to.deep.equal([0, 0])
  })

  it('takes all out when it is closed', () => {
    const sessions = make()
    open(sessions, 'a')
    sessions.begin(open(sessions, 'b'))
    sessions.close()
    expect(idle).to.deep.equal(['a', 'b'])
    expect([sessions.size, clock.countTimers()]).to.deep.equal([0, 0])
  })
})
