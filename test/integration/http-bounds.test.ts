import { expect } from 'chai'
import { readdir } from 'node:fs/promises'
import { MAX_HOST_BYTES, MAX_PATH_BYTES, MAX_PIPELINED, MAX_QUERY_BYTES } from '../../lib/access/bounds.js'
import { CARRIERS, fileClient } from '../support/file-clients.js'
import { hlsStream } from '../support/hls-files.js'
import { MOUNT } from '../support/hosts.js'
import { until } from '../support/waiting.js'
import { Wire } from '../support/wire.js'
import { withServer } from '../support/with-server.js'

const PLAYLIST = `${MOUNT}/live/s/720p/index.m3u8`
const TOKEN = 'token=123'
/** Far more than a socket takes. */
const LARGE = 8 * 1024 * 1024
const HANDSHAKE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

describe('HTTP requests before they are looked at', function () {
  this.timeout(60_000)
  const { backend, server, keep } = withServer({ options: { hlsIdleMs: 1000 }, files: { ...hlsStream('live/s'), 'live/s/720p/large.ts': LARGE } })
  afterEach(async () => {
    await server.waitFor(({ auth }) => auth?.stats().viewers === 0 && auth.stats().held === 0)
  })
  const open = async (): Promise<Wire> => keep(await Wire.open({ port: server.ports.http }))
  const statusOf = async (wire: Wire): Promise<number> => {
    await until(() => wire.receivedBytes > 0 || wire.isClosed, 'an answer')
    return Number(/^HTTP\/1\.1 (\d+)/.exec(wire.received().toString('latin1'))?.[1] ?? 0)
  }
  const ask = async (head: string): Promise<number> => {
    const wire = await open()
    wire.write(`${head}\r\n\r\n`)
    return statusOf(wire)
  }

  const long = (bytes: number): string => 'a'.repeat(bytes)
  const within = `${MOUNT}/live/s/720p/index.m3u8?${TOKEN}&x=`
  for (const over of CARRIERS) {
    it(`are refused where host, path or query are too long, whatever they are for, over ${over}`, async () => {
      const client = keep(fileClient(server.ports, { over }))
      const host = over === 'HTTP/2' ? ':authority' : 'host'
      const get = async (target: string, hostBytes = 10, method = 'GET'): Promise<number> => (await client.get(target, { method, headers: { [host]: long(hostBytes) } })).status
      expect(await get(within + long(MAX_QUERY_BYTES - TOKEN.length - 3), MAX_HOST_BYTES), 'all as long as may be').to.equal(200)
      expect(backend.requests).to.have.length(1)
      for (const path of [PLAYLIST, '/live/s.flv', '/api/v1/streams', '/admin/', '/']) {
        expect(await get(`${path}?${TOKEN}&x=${long(MAX_QUERY_BYTES)}`), `a query for ${path}`).to.equal(400)
        expect(await get(`${path}?${TOKEN}`, MAX_HOST_BYTES + 1), `a host for ${path}`).to.equal(400)
        expect(await get(`${path}${long(MAX_PATH_BYTES)}`), `a path for ${path}`).to.equal(400)
      }
      expect(await get(`/x?${long(MAX_QUERY_BYTES + 1)}`, 10, 'OPTIONS')).to.equal(400)
      expect(backend.requests).to.have.length(1)
      const verdicts = (await server.verdicts()).filter(({ verdict }) => verdict.source === 'malformed')
      expect(verdicts.map(({ verdict: { reason } }) => reason)).to.include.members(['host too long', 'path too long', 'query too long'])
      expect(verdicts.every(({ request }) => JSON.stringify(request).length < 1000)).to.equal(true)
    })
  }

  it('are refused as upgrades, too', async () => {
    for (const [target, host] of [[`/live/s?${long(MAX_QUERY_BYTES + 1)}`, 'h'], [`/live/${long(MAX_PATH_BYTES)}`, 'h'], ['/live/s?token=123', long(MAX_HOST_BYTES + 1)]] as const) {
      expect(await ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${HANDSHAKE.trimEnd()}`)).to.equal(400)
    }
    expect(backend.requests).to.have.length(0)
  })

  it('may name the whole URL, which then goes before the header', async () => {
    expect(await ask(`GET http://tv.example.com:8000${PLAYLIST}?${TOKEN} HTTP/1.1\r\nHost: other.example`)).to.equal(200)
    expect(await ask(`GET HTTP://tv.example.com/live/none.flv?token=bad HTTP/1.1\r\nHost: other.example`)).to.equal(403)
    expect(await ask('GET http://tv.example.com?token=bad HTTP/1.1\r\nHost: other.example')).to.equal(404)
    expect(await ask(`GET http://tv.example.com/live/none?token=bad HTTP/1.1\r\nHost: other.example\r\n${HANDSHAKE.trimEnd()}`)).to.equal(403)
    expect(backend.requests.map(({ query, headers }) => [headers['x-real-origin'], headers['x-real-path'], query])).to.deep.equal([
      ['http://tv.example.com:8000', PLAYLIST, TOKEN], ['http://tv.example.com', '/live/none.flv', 'token=bad'], ['ws://tv.example.com', '/live/none', 'token=bad']
    ])
    for (const target of ['http:///static/x.ts', 'http://a@b/static/x.ts', 'ftp://h/static/x.ts', 'http:\\\\h/static/x.ts']) {
      expect(await ask(`GET ${target} HTTP/1.1\r\nHost: h`), target).to.be.oneOf([400, 404])
    }
    expect(backend.requests).to.have.length(3)
  })

  const descriptors = async (): Promise<number> => (await readdir(`/proc/${server.pid}/fd`)).length
  const segment = `GET ${MOUNT}/live/s/720p/large.ts?${TOKEN} HTTP/1.1\r\nHost: h\r\n\r\n`
  for (const [what, last] of [['a CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'], ['an upgrade', `GET /live/s?${TOKEN} HTTP/1.1\r\nHost: h\r\n${HANDSHAKE}\r\n`], ['nothing', '']] as const) {
    it(`end with their connection, also behind each other and before ${what}`, async () => {
      const before = await descriptors()
      for (let round = 0; round < 5; round++) {
        const wire = await open()
        wire.write(segment.repeat(3) + last)
        await until(() => wire.receivedBytes > 0 || wire.isClosed, 'the first is answered')
        await wire.close()
      }
      await server.waitFor(({ auth, context }) => auth?.stats().viewers === 0 && context.sessions.size === 0)
      await until(async () => await descriptors() <= before, 'no descriptor is lost')
      expect(backend.requests.length).to.be.at.most(5)
    })
  }

  it('are answered in their order where a client sends them at once, each as if it were alone', async () => {
    const wire = await open()
    const targets = [`${PLAYLIST}?${TOKEN}`, `${MOUNT}/live/s/720p/1.ts?${TOKEN}`, `${MOUNT}/live/s/720p/none.ts?token=123`, '/api/v1/none', `${MOUNT}/live/s/720p/2.ts?${TOKEN}`]
    wire.write(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`).join(''))
    const statuses = (): number[] => [...wire.received().toString('latin1').matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
    await until(() => statuses().length === targets.length, () => `all answers; there are ${statuses().join()}`)
    expect(statuses()).to.deep.equal([200, 200, 404, statuses()[3], 200])
    expect(backend.requests).to.have.length(1)
  })

  it('wait in bounded number behind one that is held', async () => {
    backend.answer({ hold: true })
    const wire = await open()
    wire.write(segment)
    await backend.waitFor(TOKEN)
    wire.write(segment.repeat(MAX_PIPELINED))
    await server.waitFor(({ auth }) => auth?.stats().held === 1)
    expect(wire.isClosed).to.equal(false)
    wire.write(segment)
    await wire.closed
    await server.waitFor(({ auth }) => auth?.stats().held === 0)
    backend.release({ status: 200 })
  })
})
