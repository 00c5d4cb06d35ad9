import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { Agent, get as getHttp } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { cleanup } from '../support/cleanup.js'
import { MOUNT } from '../support/hosts.js'
import { createMinistra, createSmarty, type Portal } from '../support/portals.js'
import { startServer, type TestServer } from '../support/server.js'

const MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhd/index.m3u8\n'
const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n'

describe('a portal and its viewers of HLS', () => {
  const keep = cleanup()
  const clock = { time: 0, now: () => clock.time }
  const agent = new Agent({ keepAlive: true })
  afterEach(() => keep.run())
  after(() => agent.destroy())

  const get = (server: TestServer, path: string, userAgent = 'viewer'): Promise<[status: number, body: string]> => new Promise((resolve, reject) => {
    getHttp({ host: '127.0.0.1', port: server.ports.http, path, agent, headers: { 'User-Agent': userAgent } }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => resolve([response.statusCode ?? 0, body]))
    }).on('error', reject)
  })
  const serve = async (portal: Portal<never>, preset: 'ministra' | 'smarty'): Promise<TestServer> => {
    portal.server.listen(0, '127.0.0.1')
    await once(portal.server, 'listening')
    keep({ close: () => new Promise((resolve) => { portal.server.close(resolve); portal.server.closeAllConnections() }) })
    const url = `http://127.0.0.1:${(portal.server.address() as AddressInfo).port}`
    const server = keep(await startServer({ config: { static: { router: '/static', root: './media' } }, options: { preset, url, hlsIdleMs: 300 } }))
    const folder = join(server.dir, 'media/live/s')
    await mkdir(join(folder, 'hd'), { recursive: true })
    await Promise.all([[folder, MASTER], [join(folder, 'hd'), MEDIA]].map(([where = '', text = '']) => writeFile(join(where, 'index.m3u8'), text)))
    await writeFile(join(folder, 'hd/1.ts'), 'segment')
    return server
  }
  const sources = async (server: TestServer): Promise<string[]> =>
    (await server.verdicts()).map(({ request: { streamPath }, verdict: { allowed, source } }) => `${allowed ? 'allow' : 'deny'} ${streamPath} by ${source}`)

  for (const [title, path] of [
    ['the playlist', `${MOUNT}/live/s/index.m3u8`], ['a rendition', `${MOUNT}/live/s/hd/index.m3u8`], ['a segment', `${MOUNT}/live/s/hd/1.ts`]
  ] as const) {
    it(`who comes back from a pause to ${title} within X-AuthDuration is let in unasked, under a new id`, async () => {
      const portal = createMinistra({ now: clock.now })
      const server = await serve(portal, 'ministra')
      const token = portal.newToken({ userId: 'ann-7' })
      for (const name of ['index.m3u8', 'hd/index.m3u8', 'hd/1.ts']) {
        expect((await get(server, `${MOUNT}/live/s/${name}?${token}`))[0], name).to.equal(200)
      }
      expect(portal.checks.map(({ headers }) => headers['x-real-path'])).to.deep.equal([`${MOUNT}/live/s/index.m3u8`])
      await server.waitForEvent({ event: 'donePlay', streamPath: '/live/s' })
      clock.time += 5000
      expect((await get(server, `${path}?${token}`))[0]).to.equal(200)
      expect(portal.checks).to.have.length(1)
      expect(await sources(server)).to.deep.equal(['allow /live/s by backend', 'allow /live/s by remembered'])
      const ids = (await server.verdicts()).map(({ request }) => request.sessionId)
      expect(new Set(ids).size).to.equal(2)
      expect((await get(server, `${path}?${token}`, 'newcomer'))[0]).to.equal(403)
      expect(portal.checks).to.have.length(2)
    })
  }

  it('a token that the client doubles with a wrong one is the portal\'s to judge, and playlists carry both', async () => {
    const portal = createMinistra({ now: clock.now })
    const server = await serve(portal, 'ministra')
    const token = portal.newToken({})
    const [status, body] = await get(server, `${MOUNT}/live/s/index.m3u8?token=wrong&${token}`)
    expect([status, body]).to.deep.equal([200, MASTER.replace('hd/index.m3u8', `hd/index.m3u8?token=wrong&${token}`)])
    expect((await get(server, `${MOUNT}/live/s/index.m3u8?${token}&token=wrong`))[0]).to.equal(403)
    expect((await get(server, `${MOUNT}/live/s/index.m3u8?token[]=1`))[0]).to.equal(403)
    expect(server.log()).to.include('fault of the backend: status 200 without the header X-UserId')
  })

  it('Smarty is told the content by the directory, whatever the client says', async () => {
    const portal = createSmarty({ now: clock.now, checkIp: true })
    const server = await serve(portal, 'smarty')
    expect((await get(server, `${MOUNT}/live/s/index.m3u8?${portal.newToken({ name: 's' })}`))[0]).to.equal(200)
    expect(portal.checks.at(-1)?.url).to.include('?name=s&ip=127.0.0.1&token=')
    for (const query of [`${portal.newToken({ name: 't' })}&name=t`, portal.newToken({ name: 's', ip: '203.0.113.7' }), 'token=wrong']) {
      const [status, body] = await get(server, `${MOUNT}/live/s/index.m3u8?${query}`)
      expect([status, body.trim()]).to.deep.equal([403, 'access denied'])
    }
  })
})
