import { expect } from 'chai'
import { allow, deny } from '../../../lib/access/verdict.js'
import { createCounters } from '../../../lib/observe/stats.js'
import { requestOf } from '../policy/support.js'

describe('the counters', () => {
  it('begin with nothing', () => {
    expect(createCounters().read()).to.deep.equal({ verdicts: {}, cutAtAccept: 0, cuts: {}, backend: { answers: 0, meanMs: 0, maxMs: 0, lastMs: 0 } })
  })

  it('count verdicts by action, protocol and source', () => {
    const { count, read } = createCounters()
    count(requestOf(), allow('backend', ''))
    count(requestOf(), allow('backend', ''))
    count(requestOf(), deny('backend', ''))
    count(requestOf(), deny('default', ''))
    count(requestOf({ action: 'publish', protocol: 'ws-flv' }), allow('rule', ''))
    expect(read().verdicts).to.deep.equal({
      play: { rtmp: { backend: { allowed: 2, denied: 1 }, default: { allowed: 0, denied: 1 } } },
      publish: { 'ws-flv': { rule: { allowed: 1, denied: 0 } } }
    })
  })

  it('know how long the backend took, where it answered', () => {
    const { count, read } = createCounters()
    for (const latencyMs of [10, 40, 10]) count(requestOf(), { ...allow('backend', ''), latencyMs })
    count(requestOf(), allow('remembered', ''))
    count(requestOf(), deny('default', ''))
    expect(read().backend).to.deep.equal({ answers: 3, meanMs: 20, maxMs: 40, lastMs: 10 })
  })

  it('count connections that were cut', () => {
    const { cut, read } = createCounters()
    cut('limit')
    cut('limit')
    cut('timeout')
    expect(read()).to.deep.include({ cutAtAccept: 2, cuts: { limit: 2, timeout: 1 } })
  })

  it('give copies away', () => {
    const { count, read } = createCounters()
    count(requestOf(), allow('backend', ''))
    const earlier = read()
    count(requestOf(), allow('backend', ''))
    expect(earlier.verdicts.play?.rtmp?.backend?.allowed).to.equal(1)
    earlier.verdicts.play!.rtmp!.backend!.allowed = 100
    expect(read().verdicts.play?.rtmp?.backend?.allowed).to.equal(2)
  })
})
