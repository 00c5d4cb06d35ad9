import { expect } from 'chai'
import fc from 'fast-check'
import { readProxyHeader } from '../../../../lib/gate/proxy/header.js'
import { binaryHeader, padding, textHeader } from '../../../support/proxy-header.js'

const CLIENTS = [['203.0.113.7', '203.0.113.7'], ['2001:db8::7', '2001:db8::7'], ['::ffff:203.0.113.7', '203.0.113.7']] as const
const text = (line: string): Buffer => Buffer.from(`${line}\r\n`, 'latin1')

describe('a header of the PROXY protocol', () => {
  for (const [what, header, address] of [
    ...CLIENTS.map(([sent, address]) => ['version 1', textHeader(sent), address] as const),
    ...CLIENTS.slice(0, 2).map(([sent, address]) => ['version 2', binaryHeader(sent), address] as const),
    ['version 2 with TLVs', binaryHeader('203.0.113.7', { tlvs: Buffer.concat([padding(3), padding(4000)]) }), '203.0.113.7'] as const
  ]) {
    it(`of ${what} says who the client is, ${address}, wherever it is split`, () => {
      for (let at = 0; at < header.length; at++) expect(readProxyHeader(header.subarray(0, at)), `${at} bytes`).to.deep.equal({ is: 'incomplete' })
      const read = { is: 'header', bytes: header.length, source: { address, port: 50_000 } }
      expect(readProxyHeader(header)).to.deep.equal(read)
      expect(readProxyHeader(Buffer.concat([header, header]))).to.deep.equal(read)
    })
  }

  for (const [what, header] of [
    ['UNKNOWN', text('PROXY UNKNOWN')], ['UNKNOWN with addresses', text('PROXY UNKNOWN ffff::1 ffff::2 65535 65535')],
    ['LOCAL', binaryHeader('203.0.113.7', { command: 0 })], ['unspecified', binaryHeader('203.0.113.7', { family: 0 })],
    ['a Unix socket', binaryHeader('203.0.113.7', { family: 0x31 })]
  ] as const) {
    it(`says nothing of the client if it is ${what}`, () => expect(readProxyHeader(header)).to.deep.equal({ is: 'header', bytes: header.length }))
  }

  for (const [what, bytes] of [
    ['RTMP', Buffer.from([3, 0, 0])], ['TLS', Buffer.from('160301', 'hex')], ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')], ['a method that begins alike', Buffer.from('PROPFIND /')],
    ['lower case', text('proxy TCP4 1.2.3.4 1.2.3.4 1 1')], ['an address of the other family', text('PROXY TCP6 1.2.3.4 1.2.3.4 1 1')],
    ['an address that is none', text('PROXY TCP4 1.2.3 1.2.3.4 1 1')], ['a zone', text('PROXY TCP6 fe80::1%lo ::1 1 1')], ['a port too high', text('PROXY TCP4 1.2.3.4 1.2.3.4 65536 1')],
    ['a port with zeros before', text('PROXY TCP4 1.2.3.4 1.2.3.4 01 1')], ['two spaces', text('PROXY TCP4  1.2.3.4 1.2.3.4 1 1')], ['too few words', text('PROXY TCP4 1.2.3.4 1.2.3.4 1')],
    ['too many words', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1')], ['a line without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
    ['version 3', Buffer.concat([binaryHeader('1.2.3.4').subarray(0, 12), Buffer.from([0x31, 0x11, 0, 12]), Buffer.alloc(12)])],
    ['a command that is not known', binaryHeader('1.2.3.4', { command: 2 })], ['datagrams', binaryHeader('1.2.3.4', { family: 0x12 })],
    ['addresses cut short', Buffer.concat([binaryHeader('1.2.3.4').subarray(0, 14), Buffer.from([0, 11]), Buffer.alloc(11)])]
  ] as const) {
    it(`is not ${what}`, () => expect(readProxyHeader(bytes)).to.deep.equal({ is: 'none' }))
  }

  it('is read without an exception from any bytes', () => {
    fc.assert(fc.property(fc.constantFrom(Buffer.alloc(0), textHeader('1.2.3.4').subarray(0, 11), binaryHeader('1.2.3.4').subarray(0, 13)), fc.uint8Array({ maxLength: 200 }), (start, bytes) => {
      readProxyHeader(Buffer.concat([start, bytes]))
    }))
  })
})
