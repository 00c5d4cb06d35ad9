import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_ANSWERS } from '../../lib/access/bounds.js'
import { CARRIERS, fileClient } from '../support/file-clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import type { TestServer } from '../support/server.js'
import { sleep, until } from '../support/waiting.js'
import { Wire } from '../support/wire.js'
import { withBackend } from '../support/with-server.js'

const IDLE_MS = 500
const PAGE = 'https://tv.example.com'

describe('what HLS players really send', function () {
  this.timeout(60_000)
  const { backend, keep, start: startServer } = withBackend()
  let server: TestServer
  const start = async (options: object = {}): Promise<void> => {
    server = await startServer({
      options: { hlsIdleMs: IDLE_MS, ...options }, files: {
        ...hlsStream('live/s', { segments: 3 }), ...hlsStream('live/other', { segments: 3 }), 'live/s/large.ts': 8 * 1024 * 1024,
        'live/s/movie.mp4': 1000, 'vod/m/index.m3u8': '#EXTM3U\n#EXTINF:8,\n1.ts\n#EXT-X-ENDLIST\n', 'vod/m/1.ts': 10
      }
    })
  }
  /** One-time tokens: good for one question. */
  const onlyOnce = (): void => {
    const used = new Set<string>()
    backend.answer(({ query }) => {
      const again = used.has(query)
      used.add(query)
      return { status: again || !query.startsWith('token=') ? 403 : 200 }
    })
  }

  it('is one session where a player appends its query to every URL by itself', async () => {
    await start()
    onlyOnce()
    const client = keep(fileClient(server.ports))
    for (const target of ['index.m3u8?token=1', '720p/index.m3u8?token=1?token=1', '720p/1.ts?token=1?token=1?token=1', '720p/2.ts?token=1&token=1']) {
      expect((await client.get(`/static/live/s/${target}`)).status, target).to.equal(200)
    }
    expect((await client.get('/static/live/s/720p/1.ts?token=1?token=2')).status).to.equal(200)
    expect(backend.requests.map(({ query }) => query)).to.deep.equal(['token=1', 'token=1?token=2'])
  })

  it('may pause in a recording, and not in a live stream', async () => {
    await start({ files: { vodIdleMs: 3000 } })
    onlyOnce()
    const client = keep(fileClient(server.ports))
    const targets = ['/static/vod/m/index.m3u8?token=1', '/static/live/s/movie.mp4?token=2', '/static/live/s/720p/index.m3u8?token=3']
    for (const target of targets) expect((await client.get(target)).status, target).to.equal(200)
    await server.waitFor(({ auth }) => auth?.stats().viewers === 2)
    await sleep(IDLE_MS)
    expect(await Promise.all(targets.map(async (target) => (await client.get(target)).status))).to.deep.equal([200, 200, 403])
    await server.waitFor(({ auth }) => auth?.stats().viewers === 0)
  })

  it('goes on through dated folders, and over a recording in 300', async () => {
    await start({ hlsIdleMs: 60_000 })
    onlyOnce()
    const root = join(server.dir, 'static/live/dated')
    const folders = Array.from({ length: 300 }, (_, minute) => `2026/11/26/${minute}`)
    await writeFiles(root, { ...Object.fromEntries(folders.map((folder) => [`${folder}/1.ts`, 10])), 'vod.m3u8': folders.map((folder) => `#EXTINF:8,\n${folder}/1.ts\n`).join('') })
    const client = keep(fileClient(server.ports))
    const get = async (file: string): Promise<number> => (await client.get(`/static/live/dated/${file}?token=1`)).status
    for (let minute = 0; minute + 2 < folders.length; minute += 10) {
      await writeFile(join(root, 'index.m3u8'), folders.slice(minute, minute + 3).map((folder) => `#EXTINF:8,\n${folder}/1.ts\n`).join(''))
      expect(await get('index.m3u8')).to.equal(200)
      for (const folder of folders.slice(minute, minute + 3)) expect(await get(`${folder}/1.ts`), folder).to.equal(200)
    }
    expect(await get('vod.m3u8')).to.equal(200)
    for (const folder of folders) expect(await get(`${folder}/1.ts`), folder).to.equal(200)
    expect(backend.requests).to.have.length(1)
  })

  it('opens no directory by what a client calls the server', async () => {
    await start({ files: { ownOrigins: ['https://cdn.example.com'] } })
    onlyOnce()
    await writeFiles(join(server.dir, 'static'), { 'live/s/links.m3u8': 'http://other.example/static/live/other/1.ts\nhttps://cdn.example.com/static/live/other/1.ts\n', 'live/other/1.ts': 10 })
    const client = keep(fileClient(server.ports, { headers: { host: 'other.example' } }))
    const { text } = await client.get('/static/live/s/links.m3u8?token=1')
    expect(text).to.equal('http://other.example/static/live/other/1.ts?token=1\nhttps://cdn.example.com/static/live/other/1.ts?token=1\n')
    expect((await client.get('/static/live/other/1.ts?token=1')).status).to.equal(403)
  })

  for (const over of CARRIERS) {
    it(`sends cookies from pages that may, and from no other, over ${over}`, async () => {
      await start({ cors: { origins: [PAGE], credentials: true } })
      const client = keep(fileClient(server.ports, { over }))
      const cors = async (target: string, origin: string, method = 'GET'): Promise<unknown[]> => {
        const { status, headers } = await client.get(target, { method, headers: { origin, ...(method === 'OPTIONS' && { 'access-control-request-headers': 'range' }) } })
        return [status, headers['access-control-allow-origin'], headers['access-control-allow-credentials'], headers['vary']]
      }
      for (const file of ['index.m3u8', '720p/index.m3u8', '720p/1.ts']) {
        expect(await cors(`/static/live/s/${file}?token=123`, PAGE), file).to.deep.equal([200, PAGE, 'true', 'Origin'])
        expect(await cors(`/static/live/s/${file}?token=123`, 'https://other.example'), file).to.deep.equal([200, undefined, undefined, 'Origin'])
      }
      expect(await cors('/static/live/s/index.m3u8?token=bad', PAGE)).to.deep.equal([403, PAGE, 'true', 'Origin'])
      expect(await cors('/live/none.flv?token=bad', PAGE)).to.deep.equal([403, PAGE, 'true', 'Origin'])
      for (const target of ['/static/live/s/index.m3u8', '/live/s.flv']) {
        expect(await cors(target, PAGE, 'OPTIONS'), target).to.deep.equal([204, PAGE, 'true', 'Origin'])
        expect(await cors(target, 'https://other.example', 'OPTIONS'), target).to.deep.equal([204, undefined, undefined, 'Origin'])
      }
    })
  }

  it('is told 503 where too many answers wait to be read', async () => {
    await start({ hlsIdleMs: 60_000, maxHeldPerIp: 0 })
    const client = keep(fileClient(server.ports))
    const target = '/static/live/s/large.ts?token=123'
    expect((await client.get('/static/live/s/index.m3u8?token=123')).status).to.equal(200)
    const wires = await Promise.all(Array.from({ length: MAX_ANSWERS + 10 }, async () => {
      const wire = keep(await Wire.open({ port: server.ports.http }))
      wire.socket.pause()
      wire.write(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`)
      return wire
    }))
    await until(async () => (await server.verdicts()).filter(({ verdict }) => verdict.source === 'overload').length === 10, 'ten are refused')
    expect((await client.get(target)).status).to.equal(503)
    for (const wire of wires) wire.reset()
    await until(async () => (await client.get('/static/live/s/720p/1.ts?token=123')).status === 200, 'there is room again')
  })

  it('is nobody\'s session where the client has left before it began', async () => {
    await start({ hlsIdleMs: 60_000 })
    const wires = await Promise.all(Array.from({ length: 40 }, () => Wire.open({ port: server.ports.http })))
    wires.forEach((wire, index) => {
      wire.write(`GET /static/live/s/${index}/1.ts?token=123 HTTP/1.1\r\nHost: h\r\n\r\n`)
      setTimeout(() => wire.reset(), 2)
    })
    await Promise.all(wires.map((wire) => wire.closed))
    await server.waitFor(({ auth }) => auth?.stats().held === 0)
    // Who was let in before it left is a session like any other; nobody begins one after.
    const begun = (await server.sessions()).length
    await sleep(300)
    expect((await server.sessions()).length).to.equal(begun)
    const allowed = (await server.verdicts()).filter(({ verdict }) => verdict.allowed).length
    expect(begun).to.be.at.most(allowed)
  })
})
