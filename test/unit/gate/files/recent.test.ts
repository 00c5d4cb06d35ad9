import { expect } from 'chai'
import { networks } from '../../../../lib/access/address.js'
import type { Protocol } from '../../../../lib/access/request.js'
import type { Exchange } from '../../../../lib/gate/http/exchange.js'
import { createRecentSessions } from '../../../../lib/gate/files/recent.js'
import type { Viewer } from '../../../../lib/gate/files/viewer.js'
import type { Session } from '../../../../lib/hls/session.js'
import type { HttpRequest } from '../../../../lib/nms/host.js'

const client = { ip: '192.0.2.1', address: '192.0.2.1:4000', origin: 'http://tv.example.com', secure: false, userAgent: 'player' }
const headers = { 'host': 'tv.example.com', 'user-agent': 'player' }
const target = { rawPath: '/static/live/s/1.ts', query: 'token=123' }
const running = (protocol: Protocol): { ended: boolean } & Session<Viewer> =>
  ({ ended: false, key: 'k', moreKeys: [], value: { nms: { request: { protocol } } } }) as unknown as { ended: boolean } & Session<Viewer>

const setup = ({ trusted = [], extra = {}, protocol = 'hls' }: { trusted?: string[], extra?: object, protocol?: Protocol } = {}) => {
  const socket = { remoteAddress: '192.0.2.1' }
  const session = running(protocol)
  const request = (other: object = {}): HttpRequest => ({ method: 'GET', socket, headers, ...extra, ...other }) as unknown as HttpRequest
  const recent = createRecentSessions(networks(trusted))
  recent.note({ req: request(), client, ...target } as Exchange, session)
  return { recent, request, session }
}

describe('the session of a connection\'s last request', () => {
  for (const name of ['2.ts', 'seg-17_a.m4s', 'index.m3u8', '1.ts']) {
    it(`is that of the next for ${name}`, () => {
      const { recent, request, session } = setup()
      const found = recent.find(request(), { ...target, rawPath: `/static/live/s/${name}` })
      expect(found?.session).to.equal(session)
      expect(found?.client).to.equal(client)
    })
  }

  for (const [protocol, name, isFound] of [
    ['dash', 'index.mpd', true], ['dash', 'chunk-1.m4s', true], ['dash', 'index.m3u8', false], ['hls', 'index.mpd', false], ['file', '1.ts', false], ['file', 'index.mpd', false]
  ] as const) {
    it(`is ${isFound ? '' : 'not '}that of the next for ${name} if it plays ${protocol}`, () => {
      const { recent, request, session } = setup({ protocol })
      expect(recent.find(request(), { ...target, rawPath: `/static/live/s/${name}` })?.session).to.equal(isFound ? session : undefined)
    })
  }

  const others: Record<string, { request?: object, target?: object }> = {
    'another connection': { request: { socket: { remoteAddress: '192.0.2.1' } } },
    'another method': { request: { method: 'POST' } },
    'another host': { request: { headers: { ...headers, host: 'other.example.com' } } },
    'another user agent': { request: { headers: { ...headers, 'user-agent': 'Player' } } },
    'no user agent': { request: { headers: { host: 'tv.example.com' } } },
    'another query': { target: { query: 'token=124' } },
    'a longer query': { target: { query: 'token=123&x' } },
    'another directory': { target: { rawPath: '/static/live/t/1.ts' } },
    'the directory above': { target: { rawPath: '/static/live/1.ts' } },
    'a directory below': { target: { rawPath: '/static/live/s/t/1.ts' } },
    'the directory itself': { target: { rawPath: '/static/live/s/' } },
    'what may be a live stream': { target: { rawPath: '/static/live/s/1.flv' } },
    'an escape': { target: { rawPath: '/static/live/s/%31.ts' } },
    'dots': { target: { rawPath: '/static/live/s/..ts' } },
    'a file of another kind': { target: { rawPath: '/static/live/s/1.mp4' } },
    'a backslash': { target: { rawPath: '/static/live/s/\\1.ts' } }
  }
  for (const [name, { request: otherRequest, target: otherTarget }] of Object.entries(others)) {
    it(`says nothing of ${name}`, () => {
      const { recent, request } = setup()
      expect(recent.find(request(otherRequest), { ...target, ...otherTarget })).to.equal(undefined)
    })
  }

  it('is forgotten once it has ended', () => {
    const { recent, request, session } = setup()
    session.ended = true
    expect(recent.find(request(), target)).to.equal(undefined)
  })

  it('is not noted behind a trusted proxy, whose connections many share', () => {
    const { recent, request } = setup({ trusted: ['192.0.2.0/24'] })
    expect(recent.find(request(), target)).to.equal(undefined)
  })

  it('is not noted on HTTP/2', () => {
    const { recent, request } = setup({ extra: { stream: {} } })
    expect(recent.find(request(), target)).to.equal(undefined)
  })
})
