import { expect } from 'chai'
import { startBackend, type ControlledBackend } from '../../support/backend.js'
import { cleanup } from '../../support/cleanup.js'
import { fileClient } from '../../support/file-clients.js'
import { hlsStream, writeFiles } from '../../support/hls-files.js'
import { startRedis } from '../../support/redis.js'
import { startServer, type TestServer } from '../../support/server.js'
import { openViewer } from '../../support/viewers.js'
import { until } from '../../support/waiting.js'

describe('the denial of a re-check', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  let servers: TestServer[]
  before(async () => {
    backend = keep(await startBackend())
    const redis = keep(await startRedis())
    servers = await Promise.all([1, 2, 3].map(() => startServer({
      config: { rtmp: null, rtmps: null, https: null, static: { router: '/static', root: 'static' } },
      options: { url: backend.url, rememberMs: 60_000, recheckMs: 2000, hlsIdleMs: 500, store: { url: redis.url, heartbeatMs: 500 } }
    })))
    for (const server of servers) {
      keep(server)
      await writeFiles(`${server.dir}/static`, hlsStream('live/s', { segments: 3 }))
      await server.waitFor(({ auth }) => auth?.stats().store?.up)
    }
  })
  after(() => keep.run())

  const count = (server: TestServer): Promise<number> => server.evaluate(({ auth }) => auth!.sessions().length)
  /** Joins and stays; the status, and a function that leaves. */
  const live = async (server: TestServer, target: string): Promise<{ status: number, leave: () => void }> => {
    const viewer = await openViewer(server.ports, target)
    return { status: viewer.status, leave: viewer.close }
  }
  const file = async (server: TestServer, target: string): Promise<{ status: number, leave: () => void }> => {
    const client = fileClient(server.ports, { headers: { 'User-Agent': 'player' } })
    const { status } = await client.get(target)
    return { status, leave: () => { void client.close() } }
  }

  for (const [protocol, join, path] of [['HTTP-FLV', live, '/live/s.flv'], ['HLS', file, '/static/live/s/index.m3u8']] as const) {
    it(`has all servers forget what was allowed (${protocol})`, async () => {
      const [a, b, c] = servers as [TestServer, TestServer, TestServer]
      const target = `${path}?viewer=${protocol}`
      let status = 200
      backend.answer(() => ({ status }))
      const asked = (): number => backend.about(`viewer=${protocol}`).length
      const viewer = await join(a, target)
      for (const server of [b, c]) {
        const copy = await join(server, target)
        expect([copy.status, asked()], 'it is remembered').to.deep.equal([200, 1])
        copy.leave()
      }
      for (const server of [b, c]) await until(async () => await count(server) === 0, 'the copy has left')
      status = 403
      await until(async () => {
        // A request under way when the session ends is cut.
        if (protocol === 'HLS') (await join(a, target).catch(() => undefined))?.leave()
        return await count(a) === 0
      }, 'it is ended')
      const before = asked()
      for (const server of [b, c]) expect((await join(server, target)).status).to.equal(403)
      expect(asked() - before).to.equal(2)
      viewer.leave()
    })
  }
})
