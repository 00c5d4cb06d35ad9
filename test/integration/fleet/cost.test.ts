import { expect } from 'chai'
import { startBackend, type ControlledBackend } from '../../support/backend.js'
import { cleanup, type Cleanup } from '../../support/cleanup.js'
import { openClient, SPEECHES } from '../../support/clients.js'
import { fileClient } from '../../support/file-clients.js'
import { hlsStream, writeFiles } from '../../support/hls-files.js'
import { startRedis, type RedisServer } from '../../support/redis.js'
import { startServer, type TestServer } from '../../support/server.js'
import { until } from '../../support/waiting.js'

describe('what a viewer of a whole server costs the store', function () {
  this.timeout(60_000)
  const all = cleanup()
  let keep: Cleanup
  let backend: ControlledBackend
  let redis: RedisServer
  let server: TestServer
  let viewers = 0
  before(async () => {
    backend = all(await startBackend())
    redis = all(await startRedis())
    backend.answer(({ query }) => {
      const params = new URLSearchParams(query)
      return { status: params.has('bad') ? 403 : 200, headers: { ...(params.has('user') && { 'X-UserId': params.get('user')! }), ...(params.has('max') && { 'X-Max-Sessions': params.get('max')! }) } }
    })
    // The first heartbeat is the only one.
    server = all(await startServer({
      config: { rtmps: null, https: null, static: { router: '/static', root: 'static' } },
      options: { url: backend.url, hlsIdleMs: 500, store: { url: redis.url, prefix: 'cost', heartbeatMs: 60_000 } }
    }))
    await writeFiles(`${server.dir}/static`, hlsStream('live/s', { segments: 3 }))
    await server.waitFor(({ auth }) => auth?.stats().store?.up)
    // The first use of each script takes one command more.
    await watch('rtmp', 'user=warm&max=1')
    await watch('rtmp', 'user=warm&max=1&again')
  })
  beforeEach(() => { keep = cleanup() })
  afterEach(() => keep.run())
  after(() => all.run())

  const gone = (): Promise<unknown> => server.waitFor(({ auth }) => auth!.sessions().length === 0)
  const watch = async (speech: typeof SPEECHES[number], query: string): Promise<void> => {
    const client = await openClient({ ports: server.ports, speech, action: 'play', streamPath: `/live/s${++viewers}`, query })
    await client.told
    await client.close()
    await gone()
  }
  /** Scripts that the server runs meanwhile. */
  const counted = async (action: () => Promise<unknown>): Promise<number> => {
    const monitor = await redis.monitor()
    try {
      await action()
      // What is sent after an end may still be on its way; what comes later than this is none of its.
      for (const word of ['first', 'last']) {
        await redis.direct.echo(word)
        await until(() => monitor.commands.some(([name, text]) => name?.toLowerCase() === 'echo' && text === word), 'all is told')
        await server.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 50) }))
      }
      return monitor.commands.filter(([name]) => /^eval(?:sha)?$/i.test(name ?? '')).length
    } finally {
      monitor.close()
    }
  }

  for (const speech of SPEECHES.filter((each) => ['rtmp', 'http-flv', 'ws-flv'].includes(each))) {
    it(`is one look-up, and no more without a user's limit: ${speech}`, async () => {
      expect(await counted(() => watch(speech, `token=${++viewers}`))).to.equal(1)
    })
    it(`is one look-up for one who is refused: ${speech}`, async () => {
      expect(await counted(() => watch(speech, `bad=${++viewers}`))).to.equal(1)
    })
    it(`is one look-up, and one command each to take and to give back a place: ${speech}`, async () => {
      expect(await counted(() => watch(speech, `user=u${++viewers}&max=1`))).to.equal(3)
    })
  }

  it('is as much over HLS, however often a playlist and its segments are asked for', async () => {
    for (const [query, commands] of [[`token=${++viewers}`, 1], [`user=u${++viewers}&max=1`, 3]] as const) {
      expect(await counted(async () => {
        const client = keep(fileClient(server.ports))
        for (let n = 0; n < 20; n += 1) {
          for (const name of ['720p/index.m3u8', '720p/1.ts', '720p/2.ts']) expect((await client.get(`/static/live/s/${name}?${query}`)).status).to.equal(200)
        }
        await gone()
      }), query).to.equal(commands)
    }
  })
})
