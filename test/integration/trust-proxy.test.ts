import { expect } from 'chai'
import { join } from 'node:path'
import type { Protocol } from '../../lib/access/request.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { isRtmp, openClient, protocolOf, SPEECHES } from '../support/clients.js'
import { CARRIERS, fileClient, type Carrier } from '../support/file-clients.js'
import { writeFiles } from '../support/hls-files.js'
import { startServer, type Ports, type TestServer } from '../support/server.js'

/** The last addresses of `trustProxy` are the proxies that the test itself is not. */
const CHAIN = '198.51.100.1, 203.0.113.7, 10.1.1.1'
const FORWARDED = { 'x-forwarded-for': CHAIN, 'x-forwarded-proto': 'http, https', 'x-forwarded-host': 'inner.example, live.example:8443' }
const PROXY = '127.0.0.1'
const STRANGER = '127.0.0.2'
const RULED_OUT = '203.0.113.66'

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
  const keep = cleanup()
  const last = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  before(async () => {
    backend = last(await startBackend())
    backend.answer({ status: 200 })
    server = last(await startServer({
      config: { static: { router: '/static', root: 'static' } },
      options: { url: backend.url, log: 'verdicts', trustProxy: [PROXY, '10.0.0.0/8'], rules: [{ ip: RULED_OUT, verdict: 'deny' }] }
    }))
    await writeFiles(join(server.dir, 'static'), { 'live/s/index.m3u8': '#EXTM3U\n' })
  })
  after(() => last.run())
  afterEach(() => keep.run())

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
      (await keep(fileClient(ports, { over, from, headers })).get(`/static/live/s/index.m3u8?${query}`)).status
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
      return [headers['x-real-ip'], ip.replace(/^(?:::ffff:)?(.*):[1-9]\d*$/, '$1'), headers['x-real-origin'], request?.protocol]
    }

    it(`is believed: the client of ${name} is the first untrusted address from the right`, async () => {
      const query = `believed=${index}`
      const secure = { http: 'https', https: 'https', ws: 'wss', wss: 'wss' }[scheme]
      expect(await ask(server, PROXY, FORWARDED, query)).to.be.oneOf([101, 200])
      expect(await seenAs(query)).to.deep.equal([
        '203.0.113.7', '203.0.113.7:0', `${secure}://live.example:8443`, { http: 'https-flv', https: 'https-flv', ws: 'wss-flv', wss: 'wss-flv', hls: 'hls' }[protocol === 'hls' ? 'hls' : scheme]
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
