import { expect } from 'chai'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterTurns } from '../../../lib/backend/turns.js'

const busyFor = (ms: number): void => {
  const end = Date.now() + ms
  while (Date.now() < end) { /* holds the event loop */ }
}

describe('time counted in turns of the event loop', () => {
  it('ends not before its time', async () => {
    const start = performance.now()
    await new Promise<void>((resolve) => { afterTurns(200, resolve) })
    expect(performance.now() - start).to.be.at.least(195)
  })
  it('is not used up by a stall', async () => {
    let over = false
    const turns = afterTurns(200, () => { over = true })
    busyFor(500)
    await sleep(30)
    expect(over).to.equal(false)
    expect(turns.lostMs).to.be.at.least(400)
    while (!over) await sleep(5)
  })
  it('is used up by a process that is busy for two thirds of the time, if it takes longer', async () => {
    const start = performance.now()
    let over = false
    afterTurns(200, () => { over = true })
    while (!over && performance.now() - start < 10_000) {
      busyFor(60)
      await sleep(30)
    }
    expect(over).to.equal(true)
    expect(performance.now() - start).to.be.at.least(300)
  })
  it('can be stopped', async () => {
    let over = false
    afterTurns(20, () => { over = true }).stop()
    await sleep(60)
    expect(over).to.equal(false)
  })
})
