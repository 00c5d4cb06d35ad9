import { expect } from 'chai'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { createDoor } from '../../../../lib/gate/door/door.js'
import { createRtmpGate } from '../../../../lib/gate/rtmp/gate.js'
import { createDialect } from '../../../../lib/nms/v4/dialect.js'
import { createHeld } from '../../../../lib/gate/door/slots.js'
import { createUnadmitted } from '../../../../lib/gate/door/unadmitted.js'

/** A TCP connection as the gate sees it on accept. */
const accepted = (remotePort: number): Socket => Object.assign(new EventEmitter(), {
  remoteAddress: '203.0.113.7', remotePort, localPort: 1935, destroyed: false, destroy: () => undefined
}) as unknown as Socket

describe('the door for RTMP', () => {
  const held = createHeld({ maxHeld: 10, maxHeldPerIp: 0 })
  const unexpected = (): never => { throw new Error('nobody is to be decided') }
  const gate = createRtmpGate(createDoor({ authorize: unexpected, hold: (ip) => held.enter(ip), bar: unexpected, reserve: unexpected, report: unexpected, onBug: unexpected }), createDialect({}), {
    commandTimeoutMs: 0, onCut: unexpected, unadmitted: createUnadmitted()
  })

  it('frees the place of a connection that closes before it carries RTMP', () => {
    const socket = accepted(50_000)
    gate.accepted(socket)
    expect(held.size).to.equal(1)
    socket.emit('close')
    expect(held.size).to.equal(0)
  })

  it('frees both places when the next connection from the same port is accepted before the last one has closed', () => {
    const [first, second] = [accepted(50_000), accepted(50_000)]
    gate.accepted(first)
    gate.accepted(second)
    first.emit('close')
    expect(held.size).to.equal(1)
    second.emit('close')
    expect(held.size).to.equal(0)
  })
})
