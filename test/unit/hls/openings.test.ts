import { expect } from 'chai'
import type { LeaveSignal } from '../../../lib/access/departure.js'
import { createOpenings } from '../../../lib/hls/openings.js'

const signal = (): LeaveSignal => new AbortController().signal
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a session that is being opened', () => {
  it('is opened once for all who wait', async () => {
    const openings = createOpenings<number>()
    const opening = openings.begin('a', () => Promise.resolve(7))
    expect(openings.find('a')).to.equal(opening)
    expect(await Promise.all([opening.wait(signal()), opening.wait(signal()), openings.find('a')?.wait(signal())])).to.deep.equal([7, 7, 7])
    expect([openings.find('a'), openings.size]).to.deep.equal([undefined, 0])
  })

  it('goes on while one still waits, and is abandoned when the last has left', async () => {
    const openings = createOpenings<number>()
    let abandoned: LeaveSignal | undefined
    const opening = openings.begin('a', (given) => { abandoned = given; return new Promise(() => undefined) })
    const leavers = [new AbortController(), new AbortController()]
    const waits = leavers.map((leaver) => opening.wait(leaver.signal))
    leavers[0]?.abort()
    expect(await waits[0]).to.equal(undefined)
    expect([abandoned?.aborted, openings.size]).to.deep.equal([false, 1])
    leavers[1]?.abort()
    expect(await waits[1]).to.equal(undefined)
    expect([abandoned?.aborted, openings.size]).to.deep.equal([true, 0])
  })

  it('is abandoned at once if its only client has left before it began', async () => {
    const openings = createOpenings<number>()
    let abandoned: LeaveSignal | undefined
    const leaver = new AbortController()
    leaver.abort()
    expect(await openings.begin('a', (given) => { abandoned = given; return new Promise(() => undefined) }).wait(leaver.signal)).to.equal(undefined)
    expect([abandoned?.aborted, openings.size]).to.deep.equal([true, 0])
  })

  it('is not abandoned by who leaves when it is open', async () => {
    const openings = createOpenings<number>()
    let abandoned: LeaveSignal | undefined
    const leaver = new AbortController()
    await openings.begin('a', (given) => { abandoned = given; return Promise.resolve(1) }).wait(leaver.signal)
    await settled()
    leaver.abort()
    expect(abandoned?.aborted).to.equal(false)
  })

  it('does not take the place of a later one when it settles', async () => {
    const openings = createOpenings<number>()
    let settle: (value: number) => void = () => undefined
    const leaver = new AbortController()
    const left = openings.begin('a', () => new Promise((resolve) => { settle = resolve })).wait(leaver.signal)
    leaver.abort()
    await left
    const later = openings.begin('a', () => new Promise(() => undefined))
    settle(1)
    await settled()
    expect(openings.find('a')).to.equal(later)
  })

  it('tells all who wait of a failure', async () => {
    const openings = createOpenings<number>()
    const opening = openings.begin('a', () => Promise.reject(new Error('no')))
    const failures = await Promise.all([opening.wait(signal()), opening.wait(signal())].map((wait) => wait.catch((error: unknown) => String(error))))
    expect(failures).to.deep.equal(['Error: no', 'Error: no'])
    expect(openings.size).to.equal(0)
  })
})
