import { expect } from 'chai'
import { inTurn } from '../../../../lib/gate/files/in-turn.js'

describe('questions in turn', () => {
  it('are asked one at a time, in bounded number, whatever fails', async () => {
    let [now, most] = [0, 0]
    const ask = inTurn(async (index: number) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      now -= 1
      if (index === 1) throw new Error('disk')
      return index
    }, 4)
    const answers = await Promise.all([0, 1, 2, 3, 4].map((index) => ask(index).catch((error: Error) => error.message)))
    expect([answers, most]).to.deep.equal([[0, 'disk', 2, 3, undefined], 1])
    expect(await ask(5)).to.equal(5)
  })
})
