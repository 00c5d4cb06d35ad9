import { expect } from 'chai'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, SPEECHES, type AnyClient, type Speech } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'

describe('a dry run, on every protocol', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  const open = async (speech: Speech, action: 'play' | 'publish', streamPath: string, token: string): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query: `token=${token}` }))

  before(async () => {
    backend = keep(await startBackend())
    server = keep(await startServer({
      config: { static: { router: '/static', root: 'static' } }, options: { url: backend.url, params: { action: '{action}' }, dryRun: true, maxHeldPerIp: 100 }
    }))
    const folder = join(server.dir, 'static', 'live', 's')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'index.m3u8'), '#EXTM3U\n')
    keep(keepPublishing(await open('rtmp', 'publish', '/live/s', '123')))
  })
  after(() => keep.run())

  it('is said loudly at the start', () => {
    expect(server.log()).to.include('WARNING: DRY RUN: viewers are let in whatever the verdict')
  })

  for (const speech of SPEECHES) {
    it(`${speech}: a viewer whom the backend refuses gets the stream, and the verdict says what would have been`, async () => {
      const viewer = await open(speech, 'play', '/live/s', `wrong-${speech.length}`)
      await viewer.waitForMedia(1)
      const { verdict } = (await server.verdicts()).at(-1)!
      expect(verdict).to.include({ allowed: true, source: 'dry-run', status: 403 }).and.deep.include({ would: { ...verdict.would, allowed: false, source: 'backend' } })
    })
    it(`${speech}: a publisher whom the backend refuses stays out`, async () => {
      const publisher = await open(speech, 'publish', '/live/taken', 'wrong')
      expect(await publisher.told).to.equal('no')
    })
  }
  it('hls: a viewer whom the backend refuses gets the playlist', async () => {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.ports.http}/static/live/s/index.m3u8?token=wrong`)
    await body.dump()
    expect(statusCode).to.equal(200)
  })
  it('still refuses what no stream can be meant by', async () => {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.ports.http}/live/a%20b.flv?token=wrong`)
    await body.dump()
    expect(statusCode).to.equal(400)
  })
  it('counts what would have been', async () => {
    const tally = await server.evaluate(({ auth }) => auth?.stats())
    expect(tally?.dryRun).to.equal(true)
    expect(tally?.verdicts.play?.rtmp?.['dry-run']).to.deep.equal({ allowed: 1, denied: 0 })
  })
})
