import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { cleanup } from '../../support/cleanup.js'
import { fileClient, type FileClient } from '../../support/file-clients.js'
import { writeFiles } from '../../support/hls-files.js'
import { createMinistra, type MinistraPortal } from '../../support/portals.js'
import { startRedis, type RedisServer } from '../../support/redis.js'
import { startServer, type TestServer } from '../../support/server.js'
import { sleep } from '../../support/waiting.js'

const SEGMENTS = 6
const media = (segments: number): string => ['#EXTM3U', '#EXT-X-TARGETDURATION:2', '#EXT-X-KEY:METHOD=AES-128,URI="../keys/1.key"',
  ...Array.from({ length: segments }, (_, n) => `#EXTINF:2,\n${n}.ts`), ''].join('\n')
const FILES = {
  'live/s/index.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhd/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nsd/index.m3u8\n',
  'live/s/hd/index.m3u8': media(SEGMENTS), 'live/s/sd/index.m3u8': media(SEGMENTS), 'live/s/keys/1.key': 16,
  ...Object.fromEntries(['hd', 'sd'].flatMap((name) => Array.from({ length: SEGMENTS }, (_, n): [string, number] => [`live/s/${name}/${n}.ts`, 100])))
}

describe('a viewer of HLS whose requests go to another server each time', () => {
  const keep = cleanup()
  const clock = { time: 0, now: () => clock.time }
  let portal: MinistraPortal
  let redis: RedisServer
  let servers: TestServer[]
  let clients: FileClient[]
  let turn = 0
  before(async () => {
    redis = keep(await startRedis())
    portal = createMinistra({ now: clock.now })
    portal.server.listen(0, '127.0.0.1')
    await once(portal.server, 'listening')
    keep({ close: () => new Promise((resolve) => { portal.server.close(resolve); portal.server.closeAllConnections() }) })
    const root = await mkdtemp(join(tmpdir(), 'hls-'))
    keep({ close: () => rm(root, { recursive: true }) })
    await writeFiles(root, FILES)
    const url = `http://127.0.0.1:${(portal.server.address() as AddressInfo).port}`
    servers = await Promise.all([1, 2, 3].map(() => startServer({
      config: { rtmp: null, rtmps: null, https: null, static: { router: '/static', root } },
      options: { preset: 'ministra', url, hlsIdleMs: 1000, store: { url: redis.url, heartbeatMs: 500 } }
    })))
    servers.map(keep)
    clients = servers.map(({ ports }) => keep(fileClient(ports, { headers: { 'User-Agent': 'player' } })))
    for (const server of servers) await server.waitFor(({ auth }) => auth?.stats().store?.up)
  })
  after(() => keep.run())

  /** Asks the next server. */
  const get = async (target: string, userAgent = 'player'): Promise<[status: number, text: string]> => {
    const { status, text } = await clients[turn++ % clients.length]!.get(target, { headers: { 'User-Agent': userAgent } })
    return [status, text]
  }
  /** Fetches everything that a playlist leads to, as a player does. */
  const play = async (target: string): Promise<number[]> => {
    const [status, text] = await get(target)
    if (!target.includes('.m3u8')) return [status]
    const uris = [...text.matchAll(/URI="([^"]+)"/g), ...text.matchAll(/^([^#\n].*)$/gm)].map(([, uri = '']) => new URL(uri, `http://x${target}`))
    const statuses = [status]
    for (const { pathname, search } of uris) statuses.push(...await play(pathname + search))
    return statuses
  }

  it('causes one question, and plays two renditions and their key with a token that died after five seconds', async () => {
    const token = portal.newToken({ userId: 'ann-7' })
    const [status] = await get(`/static/live/s/index.m3u8?${token}`)
    expect(status).to.equal(200)
    clock.time += 6000
    const statuses = await play(`/static/live/s/index.m3u8?${token}`)
    expect(statuses.length).to.equal(1 + 2 * (2 + SEGMENTS))
    expect(new Set(statuses)).to.deep.equal(new Set([200]))
    expect(portal.checks.filter(({ url }) => url.includes(token))).to.have.length(1)
    expect((await get(`/static/live/s/hd/1.ts?${token}`, 'somebody else'))[0], 'the token itself is dead').to.equal(403)
  })

  it('is forgotten on all of them once it is closed on one, by whatever longer query it was let in before', async () => {
    const token = portal.newToken({ userId: 'cleo' })
    const target = `/static/live/s/index.m3u8?${token}`
    const earlier = [`${target}&t=1`, `${target}&t=2`, `/static/live/s/hd/index.m3u8?${token}&t=1`]
    const count = (server: TestServer) => server.evaluate(({ auth }) => auth!.sessions().filter(({ user }) => user === 'cleo').length)
    for (const each of earlier) expect((await get(each))[0]).to.equal(200)
    // They are idle, and remembered.
    for (const server of servers) await server.waitFor(({ auth }) => auth!.sessions().every(({ user }) => user !== 'cleo'))
    expect((await clients[0]!.get(target, { headers: { 'User-Agent': 'player' } })).status).to.equal(200)
    clock.time += 6000
    expect(await count(servers[0]!)).to.equal(1)
    await servers[0]!.evaluate(({ auth }) => auth!.end({ id: auth!.sessions().find(({ user }) => user === 'cleo')!.id }))
    await sleep(100)
    for (const each of [target, ...earlier]) for (const client of clients) expect((await client.get(each, { headers: { 'User-Agent': 'player' } })).status, each).to.equal(403)
  })

  for (const [title, end] of [
    ['its session is closed', (server: TestServer, user: string) => server.evaluate(({ auth }, whose) => auth!.end({ id: auth!.sessions().find(({ user }) => user === whose)!.id }), user)],
    ['its user is ended', (server: TestServer, user: string) => server.evaluate(({ auth }, whose) => auth!.end({ user: whose }), user)]
  ] as const) {
    it(`is out on all of them once ${title} on one`, async () => {
      const user = `ben ${title}`
      const token = portal.newToken({ userId: user })
      for (let n = 0; n < 3; n++) expect((await get(`/static/live/s/index.m3u8?${token}`))[0]).to.equal(200)
      const running = (server: TestServer) => server.evaluate(({ auth }, whose) => auth!.sessions().filter(({ user }) => user === whose).length, user)
      expect(await Promise.all(servers.map(running))).to.deep.equal([1, 1, 1])
      clock.time += 6000
      await end(servers[0]!, user)
      for (const server of servers) await server.waitFor(({ auth }, whose) => auth!.sessions().every(({ user }) => user !== whose), user)
      for (let n = 0; n < 3; n++) expect((await get(`/static/live/s/index.m3u8?${token}`))[0]).to.equal(403)
    })
  }
})
