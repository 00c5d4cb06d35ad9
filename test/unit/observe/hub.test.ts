import { expect } from 'chai'
import { allow } from '../../../lib/access/verdict.js'
import { createHub, type Decision, type Sink } from '../../../lib/observe/hub.js'
import { requestOf } from '../policy/support.js'

const decision = (at: number): Decision => ({ at, request: requestOf(), verdict: allow('backend', '200') })

describe('the hub', () => {
  it('tells every sink that has an ear for it, though one throws', () => {
    const errors: unknown[] = []
    const heard: unknown[] = []
    const hub = createHub((error) => errors.push(error))
    hub.add({ verdict: () => { throw new Error('bad sink') } })
    hub.add({ outage: () => heard.push('outage') })
    hub.add({ verdict: ({ at }) => heard.push(at) })
    hub.verdict(decision(1))
    expect(heard).to.deep.equal([1])
    expect(errors.map(String)).to.deep.equal(['Error: bad sink'])
  })

  it('keeps what happens while a sink is loaded, in order', async () => {
    const heard: number[] = []
    let loaded: (sink: Sink) => void = () => undefined
    const hub = createHub((error) => { throw error })
    hub.addLater(new Promise((resolve) => { loaded = resolve }))
    for (const at of [1, 2, 3]) hub.verdict(decision(at))
    loaded({ verdict: ({ at }) => heard.push(at) })
    await new Promise(setImmediate)
    hub.verdict(decision(4))
    expect(heard).to.deep.equal([1, 2, 3, 4])
  })

  it('reports a sink that cannot be loaded, and keeps nothing for it', async () => {
    const errors: unknown[] = []
    const hub = createHub((error) => errors.push(error))
    hub.addLater(Promise.reject(new Error('no such module')))
    await new Promise(setImmediate)
    hub.verdict(decision(1))
    expect(errors.map(String)).to.deep.equal(['Error: no such module'])
  })

  it('tells a sink nothing more that was taken off', () => {
    const heard: number[] = []
    const hub = createHub((error) => { throw error })
    const remove = hub.add({ verdict: ({ at }) => heard.push(at) })
    hub.verdict(decision(1))
    remove()
    hub.verdict(decision(2))
    expect(heard).to.deep.equal([1])
  })
})
