import { expect } from 'chai'
import { join } from 'node:path'
import { ADMIN_CONFIG, adminApi, type AdminApi } from '../support/admin-api.js'
import { CARRIERS, fileClient, type FileClient } from '../support/file-clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import { keepPublishing } from '../support/media.js'
import { startNotified, type Notice, type Notified } from '../support/notified.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { startServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const MASTER = '/static/live/s/index.m3u8?token=123'
const SEGMENT = '/static/live/s/720p/1.ts?token=123'

describe('a viewer of HLS in what node-media-server has of its own', () => {
  let notified: Notified
  let admin: AdminApi
  const { backend, server, keep } = withServer(async ({ last }) => {
    notified = last(await startNotified())
    return {
      options: { hlsIdleMs: 600_000 },
      config: { ...ADMIN_CONFIG, notify: { url: notified.url } },
      files: hlsStream('live/s', { segments: 3 })
    }
  })
  before(async () => {
    admin = await adminApi(server.ports)
  })
  afterEach(async () => {
    for (const { id, protocol } of await admin.sessions()) if (protocol === 'hls') await admin.closeSession(id)
    notified.answer(() => 200)
  })

  const watch = async (client: FileClient, id = backend.requests.length): Promise<string> => {
    expect((await client.get(MASTER)).status).to.equal(200)
    return String(backend.requests[id]?.headers['x-session-id'])
  }

  for (const over of CARRIERS) {
    it(`is listed, and once the admin API has closed it the next request is asked anew, over ${over}`, async () => {
      const client = keep(fileClient(server.ports, { over }))
      const id = await watch(client)
      expect((await client.get(SEGMENT)).body).to.have.length(512)
      const [listed] = await admin.sessions()
      expect(listed).to.include({ id, protocol: 'hls', isPublisher: false })
      expect(listed?.ip).to.match(/^(::ffff:)?127\.0\.0\.1:\d+$/)
      expect(listed?.outBytes).to.be.greaterThan(512)

      await admin.closeSession(id)
      expect(await admin.sessions()).to.deep.equal([])
      await server.waitForEvent({ event: 'donePlay', id })
      backend.answer({ status: 403 })
      expect((await client.get(SEGMENT)).status).to.equal(403)
      expect((await client.get(MASTER)).status).to.equal(403)
      backend.reset()
      const again = await watch(client, 3)
      expect(backend.requests).to.have.length(4)
      expect((await admin.sessions()).map((session) => session.id)).to.deep.equal([again])
      expect(again).to.not.equal(id)
    })
  }

  it('is posted to notify.url, which may close it: then the next request is asked anew', async () => {
    let sayNo: () => void = () => undefined
    const no = new Promise<number>((resolve) => { sayNo = () => resolve(403) })
    notified.answer(({ action }) => action === 'postPlay' ? no : 200)
    const client = keep(fileClient(server.ports))
    const id = await watch(client)
    expect((await client.get(SEGMENT)).status).to.equal(200)
    sayNo()
    await server.waitForEvent({ event: 'donePlay', id })
    backend.answer({ status: 403 })
    expect((await client.get(SEGMENT)).status).to.equal(403)
    expect(backend.requests).to.have.length(2)
    const about = (): Notice[] => notified.notices.filter((notice) => notice.id === id)
    await until(() => about().length === 3, () => `three notices; there were ${JSON.stringify(notified.notices)}`)
    expect(about().map(({ action }) => action)).to.deep.equal(['prePlay', 'postPlay', 'donePlay'])
    for (const notice of about()) expect(notice).to.deep.include({ app: 'live', name: 's', protocol: 'hls', query: { token: '123' } })
    expect(about()[2]?.outbytes).to.be.greaterThan(512)
  })

  it('is forgotten whole once it is closed, with every directory and query by which it was ever let in', async () => {
    const own = keep(await startServer({ options: { url: backend.url, hlsIdleMs: 50 }, config: { static: { router: '/static', root: 'static' } } }))
    await writeFiles(join(own.dir, 'static'), hlsStream('live/s', { segments: 3 }))
    backend.answer({ status: 200, headers: { 'X-AuthDuration': '3600' } })
    const client = keep(fileClient(own.ports))
    const unused = Array.from({ length: 20 }, (_, n) => `${MASTER}&t=${n}`)
    const targets = ['/static/live/s/720p/1.ts?token=123', '/static/live/s/audio/1.ts?token=123', `${MASTER}&x=1`, ...unused, MASTER]
    // Each has been asked for by itself before.
    for (const target of targets) {
      expect((await client.get(target)).status).to.equal(200)
      await own.waitFor(({ auth }) => auth?.stats().viewers === 0)
    }
    expect(backend.requests).to.have.length(targets.length)
    for (const target of [...targets].reverse()) if (!unused.includes(target)) expect((await client.get(target)).status).to.equal(200)
    expect(backend.requests).to.have.length(targets.length)
    await own.evaluate(({ context }) => { for (const session of context.sessions.values()) (session as unknown as { close(): void }).close() })
    backend.answer({ status: 403 })
    for (const target of targets) expect((await client.get(target)).status, target).to.equal(403)
  })

  it('is kept out whole as long as whoever closed it says, in every directory and by every query that it had', async () => {
    const client = keep(fileClient(server.ports, { headers: { 'User-Agent': 'somebody' } }))
    const id = await watch(client)
    const targets = [SEGMENT, `${MASTER}&x=1`, `${SEGMENT}&x=1`, MASTER]
    for (const target of targets) expect((await client.get(target)).status).to.equal(200)
    await server.evaluate(({ auth }, which) => auth!.end({ id: which }, { barMs: 60_000 }), id)
    for (const target of targets) expect((await client.get(target)).status, target).to.equal(403)
    expect((await client.get(SEGMENT, { headers: { 'User-Agent': 'another' } })).status, 'somebody else').to.equal(200)
    expect(backend.requests).to.have.length(2)
  })

  it('leaves the pages, lists, recordings and history of the admin API as they are', async () => {
    const client = keep(fileClient(server.ports))
    const id = await watch(client)
    const events = new AbortController()
    keep({ close: () => events.abort() })
    let told = ''
    const stream = await fetch(`http://127.0.0.1:${server.ports.http}/api/v1/events?token=${admin.token}`, { signal: events.signal })
    void (async () => { for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) told += chunk })().catch(() => undefined)

    const publisher = keep(await RtmpClient.publisher({ port: server.ports.rtmp }, 's?token=123'))
    keep(keepPublishing(publisher))
    await server.waitForEvent({ event: 'postPublish' })
    expect(await admin.ask('/stats')).to.deep.include({ sessions: { total: 2, publishers: 1, players: 1 } })
    expect(await admin.ask('/streams/live/s')).to.include({ status: 'publishing', subscribers: 0, recording: false })
    await admin.ask('/streams/live/s/record', 'POST')
    await until(() => publisher.wire.socket.bytesWritten > 20_000, 'something to record')
    expect(await admin.ask('/streams/live/s')).to.include({ recording: true })
    await admin.ask('/streams/live/s/record', 'DELETE')
    const { items: [record] } = await admin.ask<{ items: { id: string, streamPath: string, status: string, size: number }[] }>('/records')
    expect(record).to.include({ streamPath: '/live/s', status: 'done' })
    expect(record?.size).to.be.greaterThan(1000)

    await publisher.close()
    // The publish is history once another one, of another address, has come.
    const successor = keep(await RtmpClient.publisher({ port: server.ports.rtmp, localAddress: '127.0.0.2' }, 's?token=123'))
    keep(keepPublishing(successor))
    const { items } = await admin.ask<{ items: object[] }>('/history')
    expect(items).to.have.length(1)
    expect(items[0]).to.include({ streamPath: '/live/s', playCount: 0 })
    for (const path of ['/info', '/health', '/relay', '/streams', '/config', `/records/${record?.id}`]) await admin.ask(path)
    expect((await client.get('/admin/')).text).to.contain('<html')

    await admin.closeSession(id)
    await until(() => told.includes(`"id":"${id}"`), 'donePlay among the events')
    expect(told).to.contain('event: postPublish').and.to.contain('event: donePublish')
  })
})
