import { expect } from 'chai'
import { networks } from '../../../lib/access/address.js'
import { forwarded } from '../../../lib/access/forwarded.js'

const trusted = networks(['127.0.0.1', '10.0.0.0/8', '2001:db8:ffff::/48'])

describe('the client behind proxies', () => {
  for (const [what, peer, chain, ip] of [
    ['is the peer when the peer is not trusted', '192.0.2.9', '203.0.113.7', '192.0.2.9'],
    ['is the forwarded address behind a trusted peer', '127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['is found behind a mapped peer', '::ffff:127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['is the first untrusted from the right', '127.0.0.1', '1.1.1.1, 203.0.113.7, 10.1.1.1', '203.0.113.7'],
    ['is the leftmost when all are trusted', '127.0.0.1', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['is the peer when the nearest entry is garbage', '127.0.0.1', '203.0.113.7, unknown', '127.0.0.1'],
    ['is the peer when garbage stands behind trusted entries', '127.0.0.1', '203.0.113.7, x, 10.1.1.1', '127.0.0.1'],
    ['does not care for garbage left of it', '127.0.0.1', '<script>, 203.0.113.7', '203.0.113.7'],
    ['is the peer when the header is empty', '127.0.0.1', '', '127.0.0.1'],
    ['is the peer when there is no header', '127.0.0.1', undefined, '127.0.0.1'],
    ['may carry a port', '127.0.0.1', '203.0.113.7:5555', '203.0.113.7'],
    ['may be IPv6', '127.0.0.1', '2001:DB8::7', '2001:db8::7'],
    ['may be IPv6 in brackets with a port', '127.0.0.1', '[2001:db8::7]:5555', '2001:db8::7'],
    ['may be a mapped address', '127.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['is read from several headers', '127.0.0.1', ['203.0.113.7', '10.1.1.1'], '203.0.113.7'],
    ['is behind an IPv6 proxy', '2001:db8:ffff::1', '203.0.113.7', '203.0.113.7']
  ] as const) {
    it(what, () => {
      expect(forwarded(peer, { 'x-forwarded-for': chain }, trusted).ip).to.equal(ip)
    })
  }

  for (const [what, headers, seen] of [
    ['takes the last scheme', { 'x-forwarded-proto': 'http, https' }, { secure: true }],
    ['takes an upgrade scheme', { 'x-forwarded-proto': 'WSS' }, { secure: true }],
    ['takes http as insecure', { 'x-forwarded-proto': 'http' }, { secure: false }],
    ['drops what is no scheme', { 'x-forwarded-proto': 'gopher' }, {}],
    ['takes the last host', { 'x-forwarded-host': 'a.example, b.example:8443' }, { host: 'b.example:8443' }],
    ['takes an IPv6 host', { 'x-forwarded-host': '[2001:db8::1]:80' }, { host: '[2001:db8::1]:80' }],
    ['drops what is no host', { 'x-forwarded-host': 'a.example/path?x' }, {}],
    ['drops a host with a line break', { 'x-forwarded-host': 'a.example\r\nX: y' }, {}],
    ['drops an empty last value', { 'x-forwarded-host': 'a.example,' }, {}]
  ] as const) {
    it(what, () => {
      expect(forwarded('127.0.0.1', headers, trusted)).to.deep.equal({ ip: '127.0.0.1', ...seen })
      expect(forwarded('192.0.2.1', headers, trusted)).to.deep.equal({ ip: '192.0.2.1' })
    })
  }
})
