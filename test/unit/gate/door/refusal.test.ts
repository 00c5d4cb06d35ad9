import { expect } from 'chai'
import { deny, type Verdict } from '../../../../lib/access/verdict.js'
import { clientReason, refusalHeaders, statusOf, stopping } from '../../../../lib/gate/door/refusal.js'

describe('what a refused client is told', () => {
  const byBackend = (status: number, more: Partial<Verdict> = {}): Verdict => ({ ...deny('backend', `of 10.0.0.5, status ${status}`), status, ...more })
  const cases: readonly (readonly [title: string, verdict: Verdict, status: number, reason: string])[] = [
    ['a denial', byBackend(403), 403, 'access denied (403)'],
    ['a status that is no denial of its own', byBackend(302), 403, 'access denied (302)'],
    ['a 200 whose body denies', byBackend(200), 403, 'access denied'],
    ['a 200 without the required header', byBackend(200, { fault: 'status 200 without the header X-UserId' }), 403, 'access denied'],
    ['a rule', deny('rule', 'rules[0] of 10.0.0.0/8'), 403, 'access denied by the server\'s rules'],
    ['the default action', deny('default', 'connection refused by 10.0.0.5'), 503, 'authorization is unavailable, try again later'],
    ['a question that nobody answered', deny('unanswered', 'no answer by 10.0.0.5'), 503, 'authorization gave no answer, try again later'],
    ['overload', deny('overload', 'EMFILE'), 503, 'too many requests are waiting, try again later'],
    ['a server that is being stopped', stopping, 503, 'this server is being stopped, try again later'],
    ['a request that means nothing', deny('malformed', 'bad\r\npath\u00e4'), 400, 'bad path ']
  ]
  for (const [title, verdict, status, reason] of cases) {
    it(`${title}: ${status} ${reason}`, () => {
      expect([statusOf(verdict), clientReason(verdict)]).to.deep.equal([status, reason])
    })
  }

  it('is kept by nobody; who may try again is told when', () => {
    expect(refusalHeaders(403, 'no\n')).to.deep.equal({
      'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': '3', 'Cache-Control': 'no-store'
    })
    expect(refusalHeaders(503, 'ä')).to.include({ 'Content-Length': '2', 'Retry-After': '5' })
    expect(refusalHeaders(405, '')).to.have.property('Allow')
  })
})
