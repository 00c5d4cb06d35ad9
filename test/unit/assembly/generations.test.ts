import { expect } from 'chai'
import { Departure } from '../../../lib/access/departure.js'
import { allow, type Verdict } from '../../../lib/access/verdict.js'
import type { Chain } from '../../../lib/assembly/chain.js'
import { createGenerations, type Generations } from '../../../lib/assembly/generations.js'
import { resolve } from '../../../lib/options/resolve.js'
import { access } from '../backend/raw-backend.js'

/** Backends that answer when they are told to. */
class Backends implements Pick<Chain, 'authorize' | 'withRules' | 'close'> {
  closed = 0
  readonly #out: ((verdict: Verdict) => void)[] = []
  readonly authorize: Chain['authorize'] = () => new Promise((answer) => { this.#out.push(answer) })
  readonly withRules: Chain['withRules'] = () => ({ ...this as unknown as Chain })
  readonly close: Chain['close'] = () => { this.closed += 1; return Promise.resolve() }

  async answer(): Promise<void> {
    for (const answer of this.#out.splice(0)) answer(allow('backend', ''))
    await new Promise((done) => setImmediate(done))
  }
}

describe('what a reload replaces', () => {
  const [one, other] = ['http://127.0.0.1:1/', 'http://127.0.0.1:2/']
  let made: Backends[]
  let generations: Generations
  const ask = (): void => void generations.now.authorize(access(), new Departure())
  const closed = (): number[] => made.map((backends) => backends.closed)
  beforeEach(() => {
    made = []
    generations = createGenerations(resolve({ url: one }), () => made[made.push(new Backends()) - 1] as unknown as Chain, () => ({ request: () => undefined, upgrade: () => undefined }))
  })

  it('backends that are asked no more are closed at once if nobody waits for them', () => {
    expect(generations.replace(resolve({ url: other }))).to.equal(true)
    expect(closed()).to.deep.equal([1, 0])
  })
  it('or once they have answered', async () => {
    ask()
    generations.replace(resolve({ url: other }))
    expect(closed()).to.deep.equal([0, 0])
    await made[0]?.answer()
    expect(closed()).to.deep.equal([1, 0])
  })
  it('also whoever asked them before a reload that left them', async () => {
    ask()
    expect(generations.replace(resolve({ url: one, rules: [{ path: '/x/*', verdict: 'deny' }] }))).to.equal(false)
    generations.replace(resolve({ url: other }))
    expect(closed()).to.deep.equal([0, 0])
    await made[0]?.answer()
    expect(closed()).to.deep.equal([1, 0])
  })
  it('at the end each is closed once', async () => {
    generations.replace(resolve({ url: one, log: 'none' }))
    generations.replace(resolve({ url: other }))
    await generations.close()
    expect(closed()).to.deep.equal([1, 1])
  })
  it('what only a restart can change leaves all as it was', () => {
    const before = generations.now
    expect(() => generations.replace(resolve({ url: other, proxyProtocol: ['rtmp'] }))).to.throw().with.property('code', 'ERR_OPTIONS')
    expect(generations.now).to.equal(before)
  })
})
