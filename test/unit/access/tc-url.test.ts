import { expect } from 'chai'
import { mistakeInTcUrl } from '../../../lib/access/tc-url.js'

describe('a tcUrl', () => {
  for (const [what, tcUrl, mistake] of [
    ['that is one', 'rtmp://live.example.com:1935/live?token=1', undefined], ['of an IPv6 address', 'rtmp://[2001:db8::1]/live', undefined],
    ['that is missing', undefined, 'connect without a tcUrl'], ['that is no string', { a: 1 }, 'connect without a tcUrl'],
    ['that is no URL', 'live', 'tcUrl is no URL'], ['that is empty', '', 'tcUrl is no URL'],
    ['with a host of 5,250 characters', `http://${Array.from({ length: 5250 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')}`, 'host too long'],
    ['of 7,000 bytes', `rtmp://h/${'a'.repeat(7000)}`, 'tcUrl too long'], ['whose scheme is broken by a line feed', 'ht\ntp://h/live', 'tcUrl is no URL'],
    ['with a host of 300 characters', `rtmp://${'h'.repeat(300)}/live`, 'host too long'],
    ['with a host behind backslashes', `http:\\\\${'文'.repeat(300)}`, 'host too long']
  ] as const) {
    it(`${what} ${mistake === undefined ? 'may be parsed' : `may not: ${mistake}`}`, () => { expect(mistakeInTcUrl(tcUrl)).to.equal(mistake) })
  }
})
