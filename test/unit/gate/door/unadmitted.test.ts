import { expect } from 'chai'
import { createUnadmitted, type Holder } from '../../../../lib/gate/door/unadmitted.js'

describe('what clients hold that are not admitted', () => {
  const cut: string[] = []
  const client = (name: string): Holder => ({ onTooMuch: () => cut.push(name) })
  beforeEach(() => { cut.length = 0 })

  it('has a bound for all together; the newest goes first', () => {
    const all = createUnadmitted(100)
    const [first, second, third] = [client('first'), client('second'), client('third')]
    all.holds(first, 40)
    all.holds(second, 40)
    all.holds(third, 20)
    expect(cut).to.deep.equal([])
    all.holds(first, 70)
    expect(cut).to.deep.equal(['third', 'second'])
    expect(all.bytes).to.equal(70)
  })

  it('is free again for who is admitted or gone', () => {
    const all = createUnadmitted(100)
    const first = client('first')
    for (let n = 0; n < 10; n += 1) {
      all.holds(first, 90)
      all.holds(first, 0)
    }
    expect(all.bytes).to.equal(0)
    expect(cut).to.deep.equal([])
  })
})
