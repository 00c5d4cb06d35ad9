import { expect } from 'chai'
import { networks } from '../../../../lib/access/address.js'
import { httpClientOf } from '../../../../lib/gate/http/client.js'
import { httpRequest } from '../../../../lib/gate/flv/request.js'
import { rtmpRequest } from '../../../../lib/gate/rtmp/request.js'
import { createDialect } from '../../../../lib/nms/v4/dialect.js'
import { webSocketRequest } from '../../../../lib/gate/websocket/request.js'

const socket = { remoteAddress: '::ffff:203.0.113.7', remotePort: 50000, localAddress: '192.0.2.1', localPort: 8000 }
const dialect = createDialect({})
const client = (scheme: 'http' | 'ws', secure: boolean, headers = {}) =>
  httpClientOf({ socket, headers: { host: 'live.example.com:8000', 'user-agent': 'player/1', ...headers } }, secure, scheme, networks([]))
const overHttp = (method: string, rawPath: string, query = 'token=123', secure = false) => {
  const live = dialect.liveOf(rawPath)
  const action = dialect.actionOf(method)
  if (live.is === 'other' || action === undefined) throw new Error(`${method} ${rawPath} is no stream`)
  return httpRequest({ action, rawPath, query, live }, client('http', secure), 'S1')
}
const overWebSocket = (action: 'play' | 'publish', rawPath: string, query: string, secure: boolean) =>
  webSocketRequest({ action, rawPath, query, streamPath: dialect.webSocketStreamOf(rawPath) }, client('ws', secure), 'S1')
const overRtmp = (app: string, name: string, tcUrl = 'rtmp://live.example.com/live', secure = false) =>
  rtmpRequest({ action: 'play', app, name, tcUrl, flashVer: 'LNX 9,0,124,2' }, { id: 'S1', socket, secure }, dialect)

describe('what a client asks for', () => {
  it('is read from an HTTP-FLV request', () => {
    expect(overHttp('GET', '/live/s.flv')).to.deep.equal({
      asked: {
        sessionId: 'S1', action: 'play', protocol: 'http-flv', ip: '203.0.113.7', path: '/live/s.flv',
        origin: 'http://live.example.com:8000', userAgent: 'player/1', query: 'token=123', streamPath: '/live/s'
      }
    })
  })

  it('is to publish if it is an HTTP POST', () => {
    expect(overHttp('POST', '/live/s.flv', '', true).asked).to.include({ action: 'publish', protocol: 'https-flv', origin: 'https://live.example.com:8000' })
  })

  it('is read from a WebSocket handshake', () => {
    for (const path of ['/live/s', '/live/s.flv']) {
      expect(overWebSocket('publish', path, '', true)).to.deep.equal({
        asked: {
          sessionId: 'S1', action: 'publish', protocol: 'wss-flv', ip: '203.0.113.7', path,
          origin: 'wss://live.example.com:8000', userAgent: 'player/1', query: '', streamPath: '/live/s'
        }
      })
    }
  })

  it('is read from an RTMP command', () => {
    expect(overRtmp('live', 's?token=123?x')).to.deep.equal({
      asked: {
        sessionId: 'S1', action: 'play', protocol: 'rtmp', ip: '203.0.113.7', path: '/live/s',
        origin: 'rtmp://live.example.com', userAgent: 'LNX 9,0,124,2', query: 'token=123?x', streamPath: '/live/s'
      }
    })
  })

  for (const [tcUrl, secure, origin] of [
    ['rtmp://live.example.com:1935/live', false, 'rtmp://live.example.com:1935'],
    ['rtmp://name:secret@live.example.com/live', false, 'rtmp://live.example.com'],
    ['rtmp://[2001:db8::1]:1935/live', true, 'rtmps://[2001:db8::1]:1935'],
    ['http://live.example.com/live', true, 'rtmps://live.example.com'],
    ['', false, 'rtmp://192.0.2.1:8000'],
    ['live', true, 'rtmps://192.0.2.1:8000']
  ] as const) {
    it(`has the origin ${origin} for the tcUrl ${JSON.stringify(tcUrl)}${secure ? ' over TLS' : ''}`, () => {
      expect(overRtmp('live', 's', tcUrl, secure).asked.origin).to.equal(origin)
    })
  }

  for (const [what, trusted, address] of [
    ['the connection', [], '::ffff:203.0.113.7:50000'],
    ['what a trusted proxy says, without a port', ['203.0.113.0/24'], '198.51.100.9:0']
  ] as const) {
    it(`has for node-media-server the address of ${what}`, () => {
      const headers = { 'x-forwarded-for': '198.51.100.9' }
      expect(httpClientOf({ socket, headers }, false, 'http', networks(trusted)).address).to.equal(address)
    })
  }

  for (const [localAddress, authority] of [
    ['192.0.2.1', '192.0.2.1:8000'], ['::ffff:192.0.2.1', '192.0.2.1:8000'], ['2001:db8::1', '[2001:db8::1]:8000']
  ] as const) {
    it(`has the address of the server, ${localAddress}, for an origin if the client names no host`, () => {
      const here = { ...socket, localAddress, localPort: 8000 }
      expect(httpClientOf({ socket: here, headers: {} }, false, 'http', networks([])).origin).to.equal(`http://${authority}`)
      expect(rtmpRequest({ action: 'play', app: 'live', name: 's', tcUrl: '', flashVer: '' }, { id: 'S1', socket: here, secure: false }, dialect).asked.origin).to.equal(`rtmp://${authority}`)
    })
  }

  for (const [what, request, path] of [
    ['an escaped HTTP target', overHttp('GET', '/live/%73.flv'), '/live/%73.flv'],
    ['an HTTP target in capitals', overHttp('GET', '/live/s.FLV'), '/live/s.FLV'],
    ['a fragment', overHttp('GET', '/live/s.flv', 'token=1#x'), '/live/s.flv'],
    ['a WebSocket target of another kind', overWebSocket('play', '/live/s.mp4', '', false), '/live/s.mp4'],
    ['a fragment on a WebSocket', overWebSocket('play', '/live/s', '#', false), '/live/s'],
    ['an RTMP app with a slash', overRtmp('a/b', 's'), '/a/b/s'],
    ['an RTMP stream without a name', overRtmp('live', '?token=1'), '/live/']
  ] as const) {
    it(`is malformed for ${what}`, () => {
      expect(request).to.have.property('malformed').that.is.a('string')
      expect(request.asked.path).to.equal(path)
    })
  }
})
