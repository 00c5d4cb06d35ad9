import { expect } from 'chai'
import { networks } from '../../../../lib/access/address.js'
import { hintForwarding } from '../../../../lib/gate/http/forwarding-hint.js'
import type { HttpFront } from '../../../../lib/nms/host.js'

describe('forwarding headers', () => {
  const asked = (headers: Record<string, string>, remoteAddress: string) => ({ headers, socket: { remoteAddress } }) as unknown as Parameters<HttpFront['request']>[0]
  const hintsOf = (...requests: ReturnType<typeof asked>[]): string[] => {
    const hints: string[] = []
    let passed = 0
    const front = hintForwarding({ request: () => { passed += 1 }, upgrade: () => { passed += 1 } }, networks(['10.0.0.0/8']), (text) => hints.push(text))
    for (const req of requests) front.request(req, undefined as never, false, () => undefined)
    expect(passed).to.equal(requests.length)
    return hints
  }

  it('of a peer that is not trusted are told once', () => {
    const hints = hintsOf(asked({ 'x-forwarded-for': '1.2.3.4' }, '::ffff:203.0.113.7'), asked({ forwarded: 'for=1.2.3.4' }, '203.0.113.8'))
    expect(hints).to.deep.equal(['203.0.113.7 sends the header x-forwarded-for and is not in trustProxy, so that is ignored; if it is your proxy, name it there'])
  })

  it('of a trusted peer, or none, are not', () => {
    expect(hintsOf(asked({ 'x-forwarded-for': '1.2.3.4' }, '::ffff:10.1.2.3'), asked({}, '203.0.113.7'))).to.deep.equal([])
  })
})
