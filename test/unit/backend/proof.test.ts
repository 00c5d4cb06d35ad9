import { expect } from 'chai'
import { judge, leastOf, PROOF_MS, speaksAgainst, worthOf, type FailedProbe, type Judgement, type Met, type Seen } from '../../../lib/backend/proof.js'

const QUIET_MS = 750

describe('what is an outage', () => {
  describe('the table', () => {
    // What the question met, whether somebody was answered since, whether the probe failed, whether the time is up.
    const table: readonly (readonly [met: Met, isFor: boolean, against: boolean, due: boolean, judgement: Judgement])[] = [
      ...[false, true].flatMap((isFor) => [false, true].flatMap((against) => [false, true].flatMap((due) => [
        ['proof', isFor, against, due, 'outage'] as const,
        ['nothing', isFor, against, due, 'overload'] as const
      ]))),
      ['doubt', false, false, false, 'wait'],
      ['doubt', false, false, true, 'overload'],
      ['doubt', false, true, false, 'outage'],
      ['doubt', false, true, true, 'outage'],
      ['doubt', true, false, false, 'unanswered'],
      ['doubt', true, false, true, 'unanswered'],
      ['doubt', true, true, false, 'unanswered'],
      ['doubt', true, true, true, 'unanswered']
    ]
    for (const [met, isFor, against, due, judgement] of table) {
      it(`${met}${isFor ? ', others are answered' : ''}${against ? ', the probe is not' : ''}${due ? ', the time is up' : ''}: ${judgement}`, () => {
        expect(judge(met, { for: isFor, against, due })).to.equal(judgement)
      })
    }
  })

  describe('a code that was met', () => {
    for (const [code, before, after] of [
      ['ECONNREFUSED', 'proof', 'doubt'], ['EHOSTUNREACH', 'proof', 'doubt'], ['ENETUNREACH', 'proof', 'doubt'], ['EHOSTDOWN', 'proof', 'doubt'],
      ['ENETDOWN', 'proof', 'doubt'], ['ENOTFOUND', 'proof', 'doubt'],
      ['DEPTH_ZERO_SELF_SIGNED_CERT', 'proof', 'doubt'], ['CERT_HAS_EXPIRED', 'proof', 'doubt'], ['ERR_TLS_CERT_ALTNAME_INVALID', 'proof', 'doubt'],
      ['ECONNRESET', 'doubt', 'doubt'], ['EPIPE', 'doubt', 'doubt'], ['ETIMEDOUT', 'doubt', 'doubt'], ['UND_ERR_SOCKET', 'doubt', 'doubt'],
      ['HPE_INVALID_CONSTANT', 'doubt', 'doubt'], ['UND_ERR_HEADERS_OVERFLOW', 'doubt', 'doubt'], ['EPROTO', 'doubt', 'doubt'],
      ['ERR_SSL_WRONG_VERSION_NUMBER', 'doubt', 'doubt'], ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'doubt', 'doubt'],
      ...['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EADDRINUSE', 'EAGAIN', 'EBUSY', 'EACCES', 'EPERM', 'EAI_AGAIN', 'EAI_MEMORY', 'ERR_LOOKUP', 'ENEW', '']
        .map((lack) => [lack, 'nothing', 'nothing'] as const)
    ] as const) {
      it(`${code || 'none'}: ${before}, and once bytes have gone out: ${after}`, () => {
        expect([worthOf(code, false), worthOf(code, true)]).to.deep.equal([before, after])
      })
    }
    it('of several addresses is worth the least of them', () => {
      expect(leastOf(['proof', 'proof'])).to.equal('proof')
      expect(leastOf(['proof', 'doubt'])).to.equal('doubt')
      expect(leastOf(['proof', 'nothing', 'doubt'])).to.equal('nothing')
    })
  })

  describe('a probe speaks against the backend', () => {
    const failed: FailedProbe = { met: 'doubt', status: false, beganAt: 1000, failedAt: 3000 }
    const seen: Seen = { answeredAt: -Infinity, failed, failingSince: 0, probingSince: undefined, trusted: true }
    for (const [title, change, now, expected] of [
      ['when it fails', {}, 3000, true],
      ['for a second', {}, 3000 + PROOF_MS, true],
      ['and not for longer', {}, 3001 + PROOF_MS, false],
      ['until the next, which followed at once, has failed or is answered', { probingSince: 3000 }, 5000, true],
      ['until the next, which followed within the second', { probingSince: 3000 + PROOF_MS }, 5000, true],
      ['but not if the next began later', { probingSince: 3001 + PROOF_MS }, 4500, false],
      ['when there was none', { failed: undefined }, 3000, false],
      ['when somebody was answered before it began', { answeredAt: 999 }, 3000, true],
      ['when somebody was answered as it began', { answeredAt: 1000 }, 3000, false],
      ['when somebody was answered while it waited', { answeredAt: 2000 }, 3000, false],
      ['when somebody was answered after it had failed', { answeredAt: 3500 }, 3600, false],
      ['when it is one that the backend does not answer', { trusted: false }, 3000, false],
      ['when it is one that the backend does not answer, but was refused', { trusted: false, failed: { ...failed, met: 'proof' } }, 3000, true],
      ['when it got a status that counts as unavailable, and all questions have failed for a while', { failingSince: 3000 - QUIET_MS, failed: { ...failed, status: true } }, 3000, true],
      ['when it got such a status, and questions have just begun to fail', { failingSince: 3001 - QUIET_MS, failed: { ...failed, status: true } }, 3000, false]
    ] as [string, Partial<Seen>, number, boolean][]) {
      it(`${title}: ${expected ? 'yes' : 'no'}`, () => { expect(speaksAgainst({ ...seen, ...change }, now, QUIET_MS)).to.equal(expected) })
    }
  })
})
