import { expect } from 'chai'
import { request } from 'undici'
import { openClient, SPEECHES, speechesFor, type AnyClient, type Speech } from '../support/clients.js'
import { MOUNT } from '../support/hosts.js'
import { keepPublishing } from '../support/media.js'
import { withServer } from '../support/with-server.js'

describe('a dry run, on every protocol', function () {
  this.timeout(60_000)
  const { server, keep, last } = withServer({
    options: { params: { action: '{action}' }, dryRun: true, maxHeldPerIp: 100 }, files: { 'live/s/index.m3u8': '#EXTM3U\n' }
  })
  const open = async (speech: Speech, action: 'play' | 'publish', streamPath: string, token: string): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query: `token=${token}` }))
  before(async () => {
    const publisher = last(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s', query: 'token=123' }))
    last(keepPublishing(publisher))
  })

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
  }
  for (const speech of speechesFor('publish')) {
    it(`${speech}: a publisher whom the backend refuses stays out`, async () => {
      const publisher = await open(speech, 'publish', '/live/taken', 'wrong')
      expect(await publisher.told).to.equal('no')
    })
  }
  it('hls: a viewer whom the backend refuses gets the playlist', async () => {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.ports.http}${MOUNT}/live/s/index.m3u8?token=wrong`)
    await body.dump()
    expect(statusCode).to.equal(200)
  })
  it('still refuses malformed requests', async () => {
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
