import { expect } from 'chai'
import type { Protocol } from '../../lib/access/request.js'
import { isRtmp, openClient, protocolOf, SPEECHES } from '../support/clients.js'
import { CARRIERS, fileClient, type Carrier } from '../support/file-clients.js'
import { IS_V2, MOUNT } from '../support/hosts.js'
import { keepPublishing } from '../support/media.js'
import type { Ports, TestServer } from '../support/server.js'
import { withServer } from '../support/with-server.js'

/** The last addresses of `trustProxy` are the proxies that the test itself is not. */
const CHAIN = '198.51.100.1, 203.0.113.7, 10.1.1.1'
const FORWARDED = { 'x-forwarded-for': CHAIN, 'x-forwarded-proto': 'http, https', 'x-forwarded-host': 'inner.example, live.example:8443' }
const PROXY = '127.0.0.1'
const STRANGER = '127.0.0.2'
const RULED_OUT = '203.0.113.66'

/** To version 2 an address has no port; to version 4 that of a client behind a proxy is 0. */
const withoutPort = (ip: string): string => ip.replace(IS_V2 ? /^(?:::ffff:)?(.*):\d+$/ : /^(?:::ffff:)?(.*):[1-9]\d*$/, '$1')

/** One way to ask, and what it is without any proxy. */
interface Way {
  readonly name: string
  readonly protocol: Protocol
  readonly scheme: 'http' | 'https' | 'ws' | 'wss'
  readonly port: (ports: Ports) => number
  /** Asks for /live/s, and resolves with the status. */
  readonly ask: (server: TestServer, from: string, headers: Readonly<Record<string, string>>, query: string) => Promise<number>
}

describe('trustProxy', () => {
  const { backend, server, keep, last } = withServer({
    answer: { status: 200 },
    options: { log: 'verdicts', trustProxy: [PROXY, '10.0.0.0/8'], rules: [{ ip: RULED_OUT, verdict: 'deny' }] },
    files: { 'live/s/index.m3u8': '#EXTM3U\n' }
  })

  // Without it an HTTP player is not always told anything.
  before(async () => {
    const publisher = last(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s' }))
    expect(await publisher.told).to.equal('yes')
    last(keepPublishing(publisher))
  })

  const live: Way[] = SPEECHES.filter((speech) => !isRtmp(speech)).map((speech) => {
    const protocol = protocolOf(speech)
    const scheme = protocol.replace('-flv', '') as Way['scheme']
    return {
      name: speech, protocol, scheme, port: ({ http, https }) => scheme.endsWith('s') && scheme !== 'ws' ? https : http,
      ask: async ({ ports }, from, headers, query) => {
        const client = keep(await openClient({ ports, speech, action: 'play', streamPath: '/live/s', from, headers, query }))
        await client.told
        return Number(client.answer())
      }
    }
  })
  const files = CARRIERS.map((over: Carrier): Way => ({
    name: `HLS over ${over}`, protocol: 'hls', scheme: over === 'HTTP/1' ? 'http' : 'https', port: ({ http, https }) => over === 'HTTP/1' ? http : https,
    ask: async ({ ports }, from, headers, query) =>
      (await keep(fileClient(ports, { over, from, headers })).get(`${MOUNT}/live/s/index.m3u8?${query}`)).status
  }))

  for (const [index, { name, protocol, scheme, port, ask }] of [...live, ...files].entries()) {
    /** What the backend, NMS, the plugin's verdict and the log have of who asked. */
    const seenAs = async (query: string): Promise<unknown[]> => {
      const { headers } = await backend.waitFor(query)
      expect(Object.keys(headers).filter((header) => header.startsWith('x-forwarded'))).to.deep.equal([])
      const { ip } = await server.waitForEvent({ event: 'prePlay', id: String(headers['x-session-id']) })
      const request = (await server.verdicts()).find((decided) => decided.request.query === query)?.request
      const line = server.log().split('\n').find((text) => text.includes('allowed play') && text.includes(`session=${request?.sessionId} `))
      expect(line, 'the log line').to.contain(` protocol=${request?.protocol} ip=${request?.ip} `)
      expect(request).to.include({ ip: headers['x-real-ip'], origin: headers['x-real-origin'] })
      return [headers['x-real-ip'], withoutPort(ip), headers['x-real-origin'], request?.protocol]
    }

    it(`is believed: the client of ${name} is the first untrusted address from the right`, async () => {
      const query = `believed=${index}`
      const secure = { http: 'https', https: 'https', ws: 'wss', wss: 'wss' }[scheme]
      expect(await ask(server, PROXY, FORWARDED, query)).to.be.oneOf([101, 200])
      expect(await seenAs(query)).to.deep.equal([
        '203.0.113.7', IS_V2 ? '203.0.113.7' : '203.0.113.7:0', `${secure}://live.example:8443`, { http: 'https-flv', https: 'https-flv', ws: 'wss-flv', wss: 'wss-flv', hls: 'hls' }[protocol === 'hls' ? 'hls' : scheme]
      ])
    })

    it(`takes the peer for the client of ${name} where what it says is garbage`, async () => {
      const query = `garbage=${index}`
      expect(await ask(server, PROXY, { 'x-forwarded-for': '203.0.113.7, unknown, 10.1.1.1', 'x-forwarded-proto': 'https, gopher', 'x-forwarded-host': 'live.example, a/b' }, query)).to.be.oneOf([101, 200])
      expect(await seenAs(query)).to.deep.equal([PROXY, PROXY, `${scheme}://127.0.0.1:${port(server.ports)}`, protocol])
    })

    it(`believes nobody else (${name})`, async () => {
      const query = `stranger=${index}`
      expect(await ask(server, STRANGER, FORWARDED, query)).to.be.oneOf([101, 200])
      expect(await seenAs(query)).to.deep.equal([STRANGER, STRANGER, `${scheme}://127.0.0.1:${port(server.ports)}`, protocol])
    })

    it(`says whom the rules are about (${name})`, async () => {
      const asked = backend.requests.length
      expect(await ask(server, PROXY, { 'x-forwarded-for': RULED_OUT }, `ruled=${index}`)).to.equal(403)
      expect(backend.requests).to.have.length(asked)
      expect(await ask(server, STRANGER, { 'x-forwarded-for': RULED_OUT }, `unruled=${index}`)).to.be.oneOf([101, 200])
      expect(await ask(server, PROXY, { 'x-forwarded-for': `${RULED_OUT}, 203.0.113.7` }, `behind=${index}`)).to.be.oneOf([101, 200])
    })
  }
})
