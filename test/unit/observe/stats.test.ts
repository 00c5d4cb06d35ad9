import { expect } from 'chai'
import type { AccessRequest } from '../../../lib/access/request.js'
import { allow, deny, type Verdict } from '../../../lib/access/verdict.js'
import type { SessionFacts } from '../../../lib/observe/hub.js'
import { createCounters, type Counters } from '../../../lib/observe/stats.js'
import { requestOf } from '../policy/support.js'

const counting = (): Counters & { count: (request: AccessRequest, verdict: Verdict) => void } => {
  const counters = createCounters()
  return { ...counters, count: (request, verdict) => counters.verdict?.({ at: 0, request, verdict }) }
}

describe('the counters', () => {
  it('begin with nothing', () => {
    expect(createCounters().read()).to.deep.equal({ verdicts: {}, sessions: {}, ended: {}, rechecks: {}, limitActions: {}, cutAtAccept: 0, cuts: {}, backend: { answers: 0, meanMs: 0, maxMs: 0, lastMs: 0 } })
  })

  it('count verdicts by action, protocol and source', () => {
    const { count, read } = counting()
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
    const { count, read } = counting()
    for (const latencyMs of [10, 40, 10]) count(requestOf(), { ...allow('backend', ''), latencyMs })
    count(requestOf(), allow('remembered', ''))
    count(requestOf(), deny('default', ''))
    expect(read().backend).to.deep.equal({ answers: 3, meanMs: 20, maxMs: 40, lastMs: 10 })
  })

  it('count connections that were cut', () => {
    const { cut, read } = counting()
    for (const reason of ['limit', 'timeout', 'limit'] as const) cut?.('192.0.2.1', reason)
    expect(read()).to.deep.include({ cuts: { limit: 2, timeout: 1 }, cutAtAccept: 2 })
  })

  it('count who is in, and why sessions ended', () => {
    const { start, end, read } = counting()
    const session: SessionFacts = { id: '1', action: 'play', protocol: 'hls', ip: '', path: '', streamPath: '', userAgent: '', startedAt: 0 }
    for (let n = 0; n < 3; n++) start?.(session)
    end?.(session, { at: 0, inBytes: 0, outBytes: 0, reason: 'idle' })
    expect(read()).to.deep.include({ sessions: { play: { hls: 2 } }, ended: { idle: 1 } })
  })

  it('give copies away', () => {
    const { count, read } = counting()
    count(requestOf(), allow('backend', ''))
    const earlier = read()
    count(requestOf(), allow('backend', ''))
    expect(earlier.verdicts.play?.rtmp?.backend?.allowed).to.equal(1)
    earlier.verdicts.play!.rtmp!.backend!.allowed = 100
    expect(read().verdicts.play?.rtmp?.backend?.allowed).to.equal(2)
  })
})
