import fc, { type Arbitrary } from 'fast-check'
import { alienMedia } from '../integration/hostile/attack.js'
import { FLV_HEADER, flvTag } from '../support/flv.js'
import { delivered, often, type Delivery } from './delivery.js'

/** The bytes of one connection over HTTP/1. */
export interface HttpInput extends Delivery {
  /** One request without a body and nothing behind it: its answer cannot depend on what comes when. */
  readonly single: boolean
}

/** What is served, and by what kind of door. */
const TARGETS = [
  '/live/target.flv', '/live/target', '/live/calm.flv', '/live/calm', '/live/own-1.flv', '/live/own-2',
  '/media/live/target/index.m3u8', '/media/live/target/recording.mp4', '/media/live/other/index.m3u8', '/media/live/other/recording.mp4',
  '/media/live/other/page.html', '/media/live/other/', '/media', '/', '*', '', '/admin/', '/api/v1/streams', '/static/x'
]
const ODD = [
  '/', '//', '/./', '/../', '/x/../', '\\', '%2f', '%5c', '%2e', '%2e%2e/', '/..%2f', '%00', '\0', ';x',
  '#', '#.html', '?', '??', '%', '%zz', '%c0%ae', '.', '..', ' ', '%20', '+', '\t', '\xaa', '\x7f', '%25',
  '::$DATA', '.flv', '.html', '.m3u8', '/index.html', '/live', '/media', 'target', 'http:', '@', ':'
]
const PREFIXES = ['http://h', 'HTTP://other.example:99', 'https://h', 'ws://h', '//h', '/', '\\', 'x', ' ', 'http://h?', 'http://target@h']

type Change = (target: string, at: number) => string
const CHANGES: readonly Change[] = [
  (target, at) => target.slice(0, at) + escaped(target.slice(at, at + 1)) + target.slice(at + 1),
  (target, at) => target.slice(0, at) + escaped(target.slice(at, at + 1)).replace('%', '%25') + target.slice(at + 1),
  (target, at) => target.slice(0, at) + target.slice(at, at + 1).toUpperCase() + target.slice(at + 1),
  (target, at) => target.slice(0, at) + target.slice(at + 1),
  (target, at) => target.slice(0, at) + target.slice(at, at + 1).repeat(2) + target.slice(at + 1)
]
const escaped = (text: string): string => text.replace(/[^]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

const any = (maxLength: number): Arbitrary<string> => fc.string({ unit: 'binary-ascii', maxLength })
const change = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...CHANGES) },
  { weight: 2, arbitrary: fc.constantFrom(...ODD).map((odd): Change => (target, at) => target.slice(0, at) + odd + target.slice(at)) },
  { weight: 2, arbitrary: fc.constantFrom(...PREFIXES).map((prefix): Change => (target) => prefix + target) }
)
const path = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...TARGETS) },
  { weight: 8, arbitrary: fc.tuple(
    fc.constantFrom(...TARGETS), fc.array(fc.tuple(change, fc.nat(40)), { minLength: 1, maxLength: 3 })
  ).map(([target, changes]) =>
    changes.reduce((changed, [apply, at]) => apply(changed, at % (changed.length + 1)), target)) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...ODD, ...TARGETS), { maxLength: 6 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: any(30) }
)
const query = often(
  '', '?token=1', '?token=1&token=2', '?x=/live/target.flv', '?#', '?\r', '?sign=1&sign=2', '?a[b]=c', `?${'q'.repeat(3000)}`)
const target = fc.tuple(path, query).map(([own, behind]) => own + behind)

const value = fc.constantFrom(
  '', '0', '5', '-1', 'x', '*', 'bytes=0-', 'bytes=5-1', 'bytes=-5', 'chunked', 'chunked, chunked', 'gzip, chunked', 'close', 'keep-alive',
  'upgrade', 'Upgrade, X-Real-Ip', '100-continue', '127.0.0.2', '203.0.113.9, 127.0.0.1', 'https', 'for=203.0.113.9',
  '/live/calm.flv', 'text/html', 'application/json', 'Wed, 21 Oct 2065 07:28:00 GMT', 'a\tb', '\xff', 'v'.repeat(2000), '"', 'GET')
const headerName = fc.constantFrom(
  'Host', 'Connection', 'Content-Length', 'Transfer-Encoding', 'Content-Type', 'Expect', 'Range', 'If-Range', 'If-Modified-Since', 'If-None-Match', 'If-Match',
  'Accept-Encoding', 'Origin', 'Cookie', 'Authorization', 'User-Agent', 'Referer', 'X-Real-Ip', 'X-Real-Path',
  'X-Session-Id', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Original-URL', 'X-Rewrite-URL', 'X-HTTP-Method-Override', 'Upgrade',
  'HTTP2-Settings', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Key', 'Trailer', 'Te')
const header = fc.tuple(headerName, fc.constant(': '), value).map((parts) => parts.join(''))
const badHeader = fc.tuple(
  fc.oneof(headerName, any(8)), often(': ', ':', ' : ', '', ':\t', '\r\n '), fc.oneof(value, fc.constantFrom('a\0b', '\r', '\n'), any(12))
).map((parts) => parts.join(''))
/** Of one bad line nothing comes but a 400. */
const headers = fc.oneof(
  { weight: 5, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: fc.array(header, { maxLength: 3 }) }, { weight: 1, arbitrary: fc.array(badHeader, { maxLength: 3 }) })

const HANDSHAKE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
const protocol = fc.constantFrom<string | undefined>(
  undefined, undefined, 'post', 'publisher', 'POST', 'post, x', 'x, post', ' post', '', 'po st', 'post\tx', 'p'.repeat(300))
const extra = often('', 'Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Extensions: x; "', 'Sec-WebSocket-Version: 8')
const upgrade = fc.tuple(often('', ...HANDSHAKE), protocol, extra).map(([left, own, more]) => [
  ...HANDSHAKE.filter((line) => line !== left), ...(own === undefined ? [] : [`Sec-WebSocket-Protocol: ${own}`]), ...(more === '' ? [] : [more])
])

const media = Buffer.concat([FLV_HEADER, ...alienMedia().map(flvTag)])
const bytes = (maxLength: number): Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const broken = fc.tuple(bytes(40), fc.nat(media.length)).map(([odd, at]) => Buffer.concat([media.subarray(0, at), odd, media.subarray(at)]))
const flv = fc.oneof(fc.constant(media), broken, bytes(40))
const maskedFrame = (first: number, payload: Buffer): Buffer => {
  const mask = [1, 2, 3, 4]
  const start = Buffer.from([first, 0xfe, payload.length >> 8, payload.length & 0xff, ...mask])
  return Buffer.concat([start, Buffer.from(payload.map((byte, index) => byte ^ mask[index % 4]!))])
}
const frame = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(often(0x82, 0x81, 0x80, 0x02, 0x88, 0x89, 0x8a, 0x83, 0xf2), flv).map((parts) => maskedFrame(...parts)) },
  { weight: 1, arbitrary: bytes(40) }
)
const chunked = flv.map((payload) => Buffer.concat([Buffer.from(`${payload.length.toString(16)}\r\n`), payload, Buffer.from('\r\n')]))

interface Head { readonly method: string, readonly target: string, readonly version: string, readonly lines: readonly string[], readonly end: string }
const written = ({ method, target: own, version, lines, end }: Head): Buffer =>
  Buffer.from([`${method} ${own}${version}`, ...lines, '', ''].join(end), 'latin1')

const head = (lines: Arbitrary<readonly string[]>, method: Arbitrary<string>): Arbitrary<Buffer> => fc.record({
  method, target, version: often(' HTTP/1.1', ' HTTP/1.0', ' HTTP/2.0', ' HTTP/0.9', '', ' http/1.1', '  HTTP/1.1'),
  lines: fc.tuple(often(['Host: h'], [], ['Host: h', 'Host: i'], ['Host: a b'], ['Host:']), lines, headers)
    .map((parts) => parts.flat()),
  end: often('\r\n', '\n', '\r')
}).map(written)
const plain = head(fc.constant([]), often(
  'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'CONNECT', 'PROPFIND', 'M-SEARCH', 'get', '\0', 'G ET', 'X'.repeat(50)))
const withBody = head(fc.constantFrom(['Transfer-Encoding: chunked'], ['Content-Length: 40']), often('POST', 'GET', 'PUT'))
const joined = (parts: readonly (Buffer | readonly Buffer[])[]): Buffer => Buffer.concat(parts.flat())

const request: Arbitrary<{ bytes: Buffer, single: boolean }> = fc.oneof(
  { weight: 4, arbitrary: plain.map((own) => ({ bytes: own, single: true })) },
  { weight: 1, arbitrary: fc.tuple(plain, fc.oneof(plain, bytes(200))).map((parts) => ({ bytes: joined(parts), single: false })) },
  { weight: 1, arbitrary: fc.tuple(withBody, fc.array(fc.oneof({ weight: 5, arbitrary: chunked }, bytes(40)), { maxLength: 3 }))
    .map((parts) => ({ bytes: joined(parts), single: false })) },
  { weight: 1, arbitrary: head(upgrade, often('GET', 'POST', 'HEAD')).map((own) => ({ bytes: own, single: true })) },
  { weight: 2, arbitrary: fc.tuple(head(upgrade, often('GET', 'POST')), fc.array(frame, { maxLength: 4 }))
    .map((parts) => ({ bytes: joined(parts), single: false })) }
)

export const httpInput: Arbitrary<HttpInput> = delivered(request, 0)

/** A piece of a request line or a header that may stand there many times. */
export const httpText = fc.oneof(fc.constantFrom(...ODD, ...TARGETS, ',', ' ', 'a=b;', 'W/"a",', '0-1,', 'q=0.1,', '&a', '[b]'), value, any(8))
  .map((text) => text.replace(/[\r\n\0]/g, '')).filter((text) => text !== '')
/** A WebSocket's frame that may stand there many times. */
export const httpFrames = frame.filter(({ length }) => length > 0)
