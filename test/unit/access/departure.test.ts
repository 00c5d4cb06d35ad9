import { expect } from 'chai'
import { spy } from 'sinon'
import { Departure, type LeaveSignal } from '../../../lib/access/departure.js'

describe('a client\'s leaving', () => {
  it('is told once to each who listens, whether function or object', () => {
    const departure = new Departure()
    const called = spy()
    const object = { handleEvent: spy() }
    departure.addEventListener('abort', called)
    departure.addEventListener('abort', object)
    expect(departure.aborted).to.equal(false)
    departure.abort()
    departure.abort()
    expect(departure.aborted).to.equal(true)
    expect(called.callCount).to.equal(1)
    expect(object.handleEvent.callCount).to.equal(1)
    expect(departure.reason).to.be.an('error')
  })

  it('is told to nobody who has stopped listening, and to the others', () => {
    const departure = new Departure()
    const [gone, there] = [spy(), spy()]
    departure.addEventListener('abort', gone)
    departure.addEventListener('abort', there)
    departure.removeEventListener('abort', gone)
    departure.removeEventListener('abort', gone)
    departure.abort()
    expect(gone.callCount).to.equal(0)
    expect(there.callCount).to.equal(1)
  })

  it('lets a listener stop listening while it is told', () => {
    const departure = new Departure()
    const there = spy()
    const once = (): void => departure.removeEventListener('abort', once)
    departure.addEventListener('abort', once)
    departure.addEventListener('abort', there)
    departure.abort()
    expect(there.callCount).to.equal(1)
  })

  it('is what an AbortSignal is to those who are asked', () => {
    const signals: LeaveSignal[] = [new Departure(), new AbortController().signal]
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false, false])
  })
})
