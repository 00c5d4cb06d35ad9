import { expect } from 'chai'
import { PassThrough } from 'node:stream'
import { useFakeTimers } from 'sinon'
import { destroySoon, FAREWELL_MS } from '../../lib/farewell.js'

describe('the farewell', () => {
  it('of many who were refused on one socket is one', () => {
    const clock = useFakeTimers()
    try {
      const socket = new PassThrough()
      const before = socket.listenerCount('close')
      for (let i = 0; i < 20; i++) destroySoon(socket)
      expect(socket.listenerCount('close')).to.equal(before + 1)
      clock.tick(FAREWELL_MS - 1)
      expect(socket.destroyed).to.equal(false)
      clock.tick(1)
      expect(socket.destroyed).to.equal(true)
    } finally {
      clock.restore()
    }
  })
})
