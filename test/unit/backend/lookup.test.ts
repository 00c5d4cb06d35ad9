import { expect } from 'chai'
import type { LookupAddress } from 'node:dns'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLookup, type Lookup } from '../../../lib/backend/lookup.js'

type Callback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

/** A resolver whose answers come when the test gives them. */
const setup = () => {
  const waiting: Callback[] = []
  const lookup = createLookup('b.example', ((_: string, __: object, callback: Callback) => { waiting.push(callback) }) as never)
  const ask = (how: 'fresh' | 'known' = 'fresh', all = true): Promise<unknown> => new Promise((resolve) => {
    lookup[how]('b.example', { all }, (error, found) => resolve(error === null ? found : error.code))
  })
  const says = (...addresses: string[]): void => waiting.shift()?.(null, addresses.map((address) => ({ address, family: 4 })))
  const fails = (code: string): void => waiting.shift()?.(Object.assign(new Error(code), { code }), [])
  return { lookup, waiting, ask, says, fails }
}
const found = (lookup: Lookup): boolean => lookup.found

describe('the name of a backend', () => {
  it('is looked up once for all who ask at the same time, and anew for who comes later', async () => {
    const { ask, says, waiting, lookup } = setup()
    const both = [ask(), ask('fresh', false)]
    expect(waiting).to.have.length(1)
    expect(found(lookup)).to.equal(false)
    says('192.0.2.1', '192.0.2.2')
    expect(await Promise.all(both)).to.deep.equal([[{ address: '192.0.2.1', family: 4 }, { address: '192.0.2.2', family: 4 }], '192.0.2.1'])
    expect(found(lookup)).to.equal(true)
    const later = ask('fresh', false)
    says('192.0.2.3')
    expect(await later).to.equal('192.0.2.3')
  })
  it('that was found once leads where it led when a lookup fails', async () => {
    const { ask, says, fails } = setup()
    const first = ask()
    says('192.0.2.1')
    await first
    for (const code of ['EBUSY', 'ENOTFOUND', 'EAI_AGAIN']) {
      const later = ask('fresh', false)
      fails(code)
      expect(await later).to.equal('192.0.2.1')
    }
  })
  it('that was found once leads there, too, when a lookup does not end, and nothing piles up', async () => {
    const { ask, says, waiting } = setup()
    const first = ask()
    says('192.0.2.1')
    await first
    expect(await Promise.all([ask('fresh', false), ask('fresh', false)])).to.deep.equal(['192.0.2.1', '192.0.2.1'])
    expect(waiting, 'one thread').to.have.length(1)
    says('192.0.2.9')
    expect(await ask('known', false)).to.equal('192.0.2.9')
  })
  it('is known without a lookup once it was found, which is what the probe uses', async () => {
    const { ask, says, waiting } = setup()
    const first = ask('known', false)
    says('192.0.2.1')
    expect(await first).to.equal('192.0.2.1')
    expect(await ask('known', false)).to.equal('192.0.2.1')
    expect(waiting).to.have.length(0)
  })
  for (const [code, told] of [['ENOTFOUND', 'ENOTFOUND'], ['EAI_AGAIN', 'ERR_LOOKUP'], ['EBUSY', 'ERR_LOOKUP'], ['EMFILE', 'ERR_LOOKUP']] as const) {
    it(`that was never found: ${code} is told as ${told}`, async () => {
      const { ask, fails } = setup()
      const first = ask()
      fails(code)
      expect(await first).to.equal(told)
    })
  }
  it('may be an address, and then it is known', () => {
    expect([createLookup('127.0.0.1').found, createLookup('::1').found]).to.deep.equal([true, true])
  })
  it('holds nobody for longer than a second whose backend was found before', async () => {
    const { ask, says } = setup()
    const first = ask()
    says('192.0.2.1')
    await first
    let over = false
    void ask().then(() => { over = true })
    await sleep(500)
    expect(over).to.equal(false)
    await sleep(1500)
    expect(over).to.equal(true)
  })
})
