import { expect } from 'chai'
import type { Action } from '../../lib/access/request.js'
import { ADMIN_CONFIG, adminApi, type AdminApi } from '../support/admin-api.js'
import { startBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, SPEECHES, untilGone, type AnyClient, type Speech } from '../support/clients.js'
import { createStream, keepPublishing } from '../support/media.js'
import { startNotified, type Notified } from '../support/notified.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { startServer } from '../support/server.js'
import { freePort } from '../support/tools.js'
import { until, WITHIN_A_SECOND_MS } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

describe('a live session that node-media-server is told to close', () => {
  let notified: Notified
  let admin: AdminApi
  let names = 0
  const { backend, server, keep } = withServer(async ({ last }) => {
    notified = last(await startNotified())
    return { config: { ...ADMIN_CONFIG, notify: { url: notified.url } } }
  })
  before(async () => {
    admin = await adminApi(server.ports)
  })
  afterEach(() => notified.answer(() => 200))

  const open = async (speech: Speech, action: Action, streamPath: string, query = 'token=123'): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query, stubborn: true }))
  const publish = async (speech: Speech, streamPath: string, query?: string): Promise<AnyClient> => {
    const client = await open(speech, 'publish', streamPath, query)
    await server.waitForEvent({ event: 'postPublish', streamPath })
    keep(keepPublishing(client, { everyMs: 60 }))
    return client
  }
  const goesOn = (viewer: AnyClient): Promise<void> => viewer.waitForMedia(viewer.mediaBytes() + 2000)
  /** The id by which both the backend and NMS's admin API know the client that is to be closed. */
  const idOf = (streamPath: string): string => String(backend.requests.find(({ query, headers }) =>
    query.endsWith('close-me') && headers['x-real-path']?.includes(streamPath))?.headers['x-session-id'])
  const endsOf = async (id: string): Promise<string[]> =>
    (await server.events()).filter((event) => event.id === id && event.event.startsWith('done')).map(({ event }) => event)

  /** Each lets a client begin, so that it is closed in the middle of its stream. */
  const WAYS: readonly [string, () => (id: string) => Promise<void>][] = [
    ['the admin API', () => async (id) => {
      expect((await admin.sessions()).map((session) => session.id)).to.include(id)
      await admin.closeSession(id)
    }],
    ['notify.url', () => {
      const asked = new Map<string, (status: number) => void>()
      notified.answer(({ action, query, id }) => action.startsWith('post') && 'close-me' in query
        ? new Promise((resolve) => { asked.set(id, resolve) }) : 200)
      return async (id) => {
        await until(() => asked.has(id), 'NMS has asked at notify.url')
        asked.get(id)?.(403)
      }
    }]
  ]

  const all = (check: (speech: Speech, streamPath: string) => Promise<void>): Promise<unknown> =>
    Promise.all(SPEECHES.map((speech) => check(speech, `/live/closing-${names++}`)))

  for (const [way, prepare] of WAYS) {
    it(`of a player is gone in both directions (${way}), and nobody else's`, async () => {
      const close = prepare()
      await all(async (speech, streamPath) => {
        const publisher = await publish('rtmp', streamPath)
        const other = await open(speech, 'play', streamPath)
        const client = await open(speech, 'play', streamPath, 'token=123&close-me')
        await client.waitForMedia()
        const id = idOf(streamPath)
        await close(id)
        const closedFrom = Date.now()
        await untilGone(client)
        expect(client.closedAt() - closedFrom, speech).to.be.lessThan(WITHIN_A_SECOND_MS)
        await server.waitForEvent({ event: 'donePlay', id })
        await goesOn(other)
        expect([other.closedAt(), publisher.closedAt()], speech).to.deep.equal([0, 0])
        expect((await admin.sessions()).map((session) => session.id), speech).to.not.include(id)
        expect(await endsOf(id), speech).to.deep.equal(['donePlay'])
      })
    })

    it(`of a publisher is gone in both directions (${way}), and its slot is free`, async () => {
      const close = prepare()
      await all(async (speech, streamPath) => {
        const viewer = await open('http-flv', 'play', streamPath)
        expect(await viewer.told).to.equal('yes')
        const client = await publish(speech, streamPath, 'token=123&close-me')
        await viewer.waitForMedia()
        const id = idOf(streamPath)
        await close(id)
        const closedFrom = Date.now()
        await untilGone(client)
        expect(client.closedAt() - closedFrom, speech).to.be.lessThan(WITHIN_A_SECOND_MS)
        await server.waitFor(({ context }, session: string) => !context.sessions.has(session), id)
        // From the same address NMS would take it for the same publisher, who has come back.
        const successor = keep(await RtmpClient.publisher({ port: server.ports.rtmp, localAddress: '127.0.0.2' }, `${streamPath.slice('/live/'.length)}?token=123`))
        keep(keepPublishing(successor, { everyMs: 60 }))
        await goesOn(viewer)
        expect(viewer.closedAt(), speech).to.equal(0)
        expect(await endsOf(id), speech).to.deep.equal(['donePublish'])
      })
    })
  }

  it('of a player who waits for a stream is gone, though neither side has anything to say', async () => {
    await all(async (speech, streamPath) => {
      const client = await open(speech, 'play', streamPath, 'token=123&close-me')
      expect(await client.told, speech).to.equal('yes')
      await admin.closeSession(idOf(streamPath))
      const closedFrom = Date.now()
      // NMS raises this when it has lost the connection.
      const { at } = await server.waitForEvent({ event: 'donePlay', streamPath })
      expect(at - closedFrom, speech).to.be.lessThan(WITHIN_A_SECOND_MS)
      await untilGone(client)
    })
  })

  it('of a publisher puts nothing more into its stream', async () => {
    const { opening, frame } = createStream()
    const late = createStream({ luma: 222 }).frame(0)
    const [picture] = late.filter(({ type }) => type === 9)
    await all(async (speech, streamPath) => {
      const viewer = await open('http-flv', 'play', streamPath)
      expect(await viewer.told).to.equal('yes')
      const client = await open(speech, 'publish', streamPath, 'token=123&close-me')
      await server.waitForEvent({ event: 'postPublish', streamPath })
      for (const message of [...opening, ...frame(0)]) client.sendMedia(message)
      await viewer.waitForMedia()
      await admin.closeSession(idOf(streamPath))
      for (const message of late) client.sendMedia(message)
      await untilGone(client)
      await publish('rtmp', streamPath)
      await goesOn(viewer)
      expect(viewer.flv!.flv.tags.some(({ payload }) => payload.equals(picture!.payload)), speech).to.equal(false)
    })
  })

  it('is not let in by a 200 that comes after it was closed while it was held', async () => {
    backend.answer({ status: 200, hold: true })
    const streamPath = '/live/held-and-closed'
    const client = keep(await RtmpClient.connected({ port: server.ports.rtmp }))
    client.play('held-and-closed')
    const asked = await backend.waitFor(({ headers }) => headers['x-real-path'] === streamPath)
    await admin.closeSession(String(asked.headers['x-session-id']))
    backend.release()
    backend.reset()
    await until(() => client.wire.isClosed, 'it is closed')
    expect(client.statuses).to.deep.equal([])
    expect((await server.events()).filter((event) => event.streamPath === streamPath)).to.deep.equal([])
    expect((await server.verdicts()).filter(({ request }) => request.streamPath === streamPath && request.protocol === 'rtmp')).to.deep.equal([])
  })

  it('has left by itself if notify.url refuses its donePlay: what is remembered of it still holds', async () => {
    backend.answer({ status: 200, headers: { 'X-AuthDuration': '60' } })
    notified.answer(({ action }) => action === 'donePlay' ? 403 : 200)
    for (const speech of ['rtmp', 'http-flv', 'ws-flv'] as const) {
      const streamPath = `/live/left-${speech}`
      for (let times = 1; times <= 2; times += 1) {
        const client = await open(speech, 'play', streamPath, 'token=once')
        expect(await client.told, speech).to.equal('yes')
        await client.close()
        await until(() => notified.notices.filter(({ action, name }) => action === 'donePlay' && `/live/${name}` === streamPath).length === times, 'the refusal of donePlay')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(backend.requests.filter(({ headers }) => headers['x-real-path']?.includes(streamPath)), speech).to.have.length(1)
    }
    backend.reset()
  })
})

describe('RTMPS on two local addresses', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  it('tells connections from the same port of the same client apart', async () => {
    const backend = keep(await startBackend())
    const server = keep(await startServer({ options: { url: backend.url }, config: { bind: '0.0.0.0' } }))
    const localPort = await freePort()
    const clients = await Promise.all(['127.0.0.1', '127.0.0.2'].map(async (host) =>
      keep(await RtmpClient.open({ port: server.ports.rtmps, tls: true, host, localAddress: '127.0.0.3', localPort }))))
    await Promise.all(clients.map(async (client) => {
      await client.handshake()
      await client.connect()
      await client.createStream()
      client.play('s?token=123')
      await client.status('NetStream.Play.Start')
    }))
  })
})
