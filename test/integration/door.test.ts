import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Action } from '../../lib/access/request.js'
import { isRtmp, openClient, SPEECHES, speechesFor, untilGone, type AnyClient, type Speech } from '../support/clients.js'
import { FLV_HEADER, flvTag } from '../support/flv.js'
import { RawHttp, statusOf } from '../support/flv-clients.js'
import { createStream, keepPublishing, type MediaMessage } from '../support/media.js'
import { ANSWERS_BEFORE_STREAM, IS_V2, KEEPS_PUBLISHER_PLACE } from '../support/hosts.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { run, tool } from '../support/tools.js'
import { sleep, until, WITHIN_A_SECOND_MS } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const ACTIONS: readonly Action[] = ['play', 'publish']

describe('the door', () => {
  let names = 0
  const { backend, server, keep } = withServer({ options: { defaultAction: 'allow', timeoutMs: 20_000 } })
  afterEach(async () => {
    await server.waitFor(({ context, auth }) => context.sessions.size === 0 && auth?.stats().held === 0)
  })

  const newPath = (): string => `/live/door-${names++}`
  const open = async (speech: Speech, action: Action, streamPath: string, more: { query?: string, stubborn?: boolean, from?: string } = {}): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query: 'token=123', ...more }))
  const publish = async (streamPath: string, speech: Speech = 'rtmp', options: Parameters<typeof keepPublishing>[1] = {}): Promise<AnyClient> => {
    const client = await open(speech, 'publish', streamPath)
    await server.waitForEvent({ event: 'postPublish', streamPath })
    keep(keepPublishing(client, options))
    return client
  }
  const publisherOf = (streamPath: string): Promise<string> => server.evaluate(({ look }, path) => look.publisher(path), streamPath)
  const connections = (): Promise<number> => server.evaluate(async ({ look }) => {
    const counts = Object.values(look.servers()).map((one) => new Promise<number>((resolve) => {
      if (one === undefined) resolve(0)
      else one.getConnections((_, count) => resolve(count))
    }))
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  })
  /** Opens a viewer of a stream that nobody publishes yet, and waits until NMS knows it. */
  const waitFor = async (streamPath: string): Promise<AnyClient> => {
    const viewer = await open('http-flv', 'play', streamPath)
    await server.waitForEvent({ event: 'prePlay', streamPath })
    if (ANSWERS_BEFORE_STREAM) expect(await viewer.told).to.equal('yes')
    return viewer
  }
  /** Waits until a viewer has got more than it has now. */
  const goesOn = (viewer: AnyClient): Promise<void> => viewer.waitForMedia(viewer.mediaBytes() + 3000)
  const eventsOf = async (streamPath: string): Promise<string[]> =>
    (await server.events()).filter((event) => event.streamPath === streamPath).map(({ event }) => event)

  for (const action of ACTIONS) {
    for (const speech of speechesFor(action)) {
      it(`forgets a client that leaves while it is held (${action} by ${speech}), and a late allow revives nothing`, async () => {
        backend.answer(({ query }) => ({ status: 200, hold: query.includes('late') }))
        const streamPath = newPath()
        const before = await connections()
        const client = await open(speech, action, streamPath, { query: 'late' })
        await backend.waitFor(({ query, headers }) => query === 'late' && (headers['x-real-path'] ?? '').includes(streamPath))
        await client.close()
        // The client is gone when the server has heard of it, which on a busy machine takes a while.
        await until(async () => await connections() <= before, 'the connection is gone')
        await until(async () => await server.evaluate(({ context }) => context.sessions.size) === 0, 'the session is gone')
        backend.release()
        await server.waitFor(({ auth }) => auth?.stats().held === 0)
        await sleep(50)
        expect(await eventsOf(streamPath)).to.deep.equal([])
        expect(await server.evaluate(({ look }, path: string) => look.streams().includes(path), streamPath)).to.equal(false)
        expect((await server.verdicts()).filter(({ request }) => request.streamPath === streamPath)).to.deep.equal([])
      })

      it(`is left by a denied client within a second, also if it never closes (${action} by ${speech})`, async () => {
        const client = await open(speech, action, newPath(), { query: 'token=no', stubborn: true })
        expect(await client.told).to.equal('no')
        const toldAt = Date.now()
        await untilGone(client)
        expect(client.closedAt() - toldAt).to.be.lessThan(WITHIN_A_SECOND_MS)
        if (client.flv !== undefined && !speech.startsWith('ws')) {
          expect(client.flv.headers()).to.include({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' })
          expect(client.flv.text()).to.equal('access denied (403)\n')
        }
      })
    }
  }

  for (const speech of speechesFor('publish')) {
    it(`disturbs a live publisher neither by holding nor by denying another one (${speech})`, async () => {
      const streamPath = newPath()
      const live = await publish(streamPath)
      const viewer = await open('http-flv', 'play', streamPath)
      await viewer.waitForMedia()
      const id = await publisherOf(streamPath)
      backend.answer({ status: 403, hold: true })
      const rival = await open(speech, 'publish', streamPath, { query: 'rival' })
      await backend.waitFor(({ query, headers }) => query === 'rival' && (headers['x-real-path'] ?? '').includes(streamPath))
      for (const message of createStream({ luma: 200 }).opening) rival.sendMedia(message)
      await goesOn(viewer)
      expect(await publisherOf(streamPath)).to.equal(id)
      backend.release()
      await until(() => rival.closedAt() > 0, 'the rival is gone')
      await goesOn(viewer)
      expect(await publisherOf(streamPath)).to.equal(id)
      expect(live.closedAt()).to.equal(0)
      expect((await eventsOf(streamPath)).filter((event) => event.includes('Publish'))).to.deep.equal(['prePublish', 'postPublish'])
    })

    if (KEEPS_PUBLISHER_PLACE) it(`leaves a publisher's time to resume alone when another one is held or denied (${speech})`, async () => {
      const streamPath = newPath()
      const first = await publish(streamPath)
      const viewer = await open('rtmp', 'play', streamPath)
      await viewer.waitForMedia()
      const id = await publisherOf(streamPath)
      await first.close()
      const pending = (): Promise<string> => server.evaluate(({ context }, path: string) =>
        (context.broadcasts.get(path) as unknown as { getPublishStatus: () => string }).getPublishStatus(), streamPath)
      await until(async () => await pending() === 'reconnecting', 'the window is open')
      backend.answer({ status: 403, hold: true })
      const rival = await open(speech, 'publish', streamPath, { query: 'rival' })
      await backend.waitFor(({ query, headers }) => query === 'rival' && (headers['x-real-path'] ?? '').includes(streamPath))
      expect([await pending(), await publisherOf(streamPath)]).to.deep.equal(['reconnecting', id])
      backend.release()
      await until(() => rival.closedAt() > 0, 'the rival is gone')
      expect([await pending(), await publisherOf(streamPath)]).to.deep.equal(['reconnecting', id])
      backend.reset()
      const resumed = await open('rtmp', 'publish', streamPath)
      await resumed.told
      keep(keepPublishing(resumed))
      await goesOn(viewer)
      expect((await eventsOf(streamPath)).filter((event) => event.includes('Publish'))).to.deep.equal(['prePublish', 'postPublish', 'prePublish', 'postPublish'])
    })

    it(`loses nothing that a publisher (${speech}) sends behind its question`, async () => {
      const streamPath = newPath()
      const stream = createStream({ gop: 5, frameBytes: 2000 })
      const frames = Array.from({ length: 10 }, (_, index) => stream.frame(index)).flat()
      backend.answer(({ query }) => ({ status: 200, hold: query === 'publisher' }))
      const viewer = await waitFor(streamPath)
      const client = await open(speech, 'publish', streamPath, { query: 'publisher' })
      const send = (): void => { for (const message of [...stream.opening, ...frames]) client.sendMedia(message) }
      if (!speech.startsWith('ws')) send()
      await backend.waitFor(({ query, headers }) => query === 'publisher' && (headers['x-real-path'] ?? '').includes(streamPath))
      await sleep(50)
      expect(viewer.mediaBytes()).to.equal(0)
      backend.release()
      if (speech.startsWith('ws')) {
        await client.told
        send()
      }
      // Version 2 writes ten tags at a time.
      keep(keepPublishing(client, { audio: false }))
      const count = stream.opening.length + frames.length
      await until(() => (viewer.flv?.flv.tags.length ?? 0) >= count, () => `all tags come; ${viewer.flv?.flv.tags.length} did`)
      const tags = viewer.flv!.flv.tags.slice(0, count)
      const media = [...stream.opening, ...frames].filter(({ type }) => type !== 18).map(({ payload }) => payload)
      expect(tags.filter(({ type }) => type !== 18).map(({ payload }) => Buffer.from(payload))).to.deep.equal(media)
      expect(tags.filter(({ type }) => type === 18)).to.have.length(1)
    })
  }

  for (const speech of SPEECHES) {
    it(`starts a viewer (${speech}) with frames that decode, from the first on`, async () => {
      const streamPath = newPath()
      await publish(streamPath, 'rtmp', { gop: 5, luma: 120 })
      const viewer = await open(speech, 'play', streamPath)
      await viewer.waitForMedia(8000)
      const tags: MediaMessage[] = viewer.flv?.flv.tags ?? viewer.rtmp!.messages.filter(({ type }) => type === 8 || type === 9 || type === 18)
        .map(({ type, timestamp, payload }) => ({ type, timestamp, payload: type === 18 ? withoutSetDataFrame(payload) : payload }))
      const videos = tags.filter(({ type }) => type === 9)
      expect(videos[0]?.payload).to.deep.equal(createStream({ gop: 5, luma: 120 }).videoHeader.payload)
      expect(videos[1]?.payload[0]).to.equal(0x17)
      const file = join(server.dir, `${names}.flv`)
      await writeFile(file, Buffer.concat([FLV_HEADER, ...tags.filter(({ payload }) => payload.length > 0).map(flvTag)]))
      const { code, stderr } = await run(tool('ffmpeg'), ['-v', 'error', '-xerror', '-err_detect', 'explode', '-i', file, '-f', 'null', '-'])
      expect([code, stderr]).to.deep.equal([0, ''])
    })
  }

  for (const tls of [false, true]) {
    const name = tls ? 'rtmps' : 'rtmp'
    const port = (): number => tls ? server.ports.rtmps : server.ports.rtmp

    for (const [size, pieces] of [['in one piece', 0], ['byte by byte', 1], ['in pieces of 7', 7]] as const) {
      it(`understands a ${name} publisher that sends everything at once, ${size}`, async () => {
        const streamPath = newPath()
        const stream = createStream({ gop: 5 })
        const viewer = await waitFor(streamPath)
        const client = keep(await RtmpClient.open({ port: port(), tls }))
        const all = [RtmpClient.blindHandshake(), client.connectBytes(), client.commandBytes('createStream', 2, [null]),
          client.commandBytes('publish', 3, [null, `${streamPath.slice('/live/'.length)}?token=123`, 'live'], 1),
          ...[...stream.opening, ...stream.frame(0), ...stream.frame(1)].map((message) => client.mediaBytes(message))]
        if (pieces === 0) client.wire.write(Buffer.concat(all))
        else await client.wire.writeInPieces(Buffer.concat(all), pieces)
        await client.status('NetStream.Publish.Start')
        keep(keepPublishing(client, { audio: false }))
        await until(() => (viewer.flv?.flv.tags.length ?? 0) >= stream.opening.length + 4, 'all tags come')
        expect(viewer.flv!.flv.tags.filter(({ type }) => type === 9)[1]?.payload).to.deep.equal(stream.frame(0)[1]?.payload)
      })
    }

    for (const first of ACTIONS) for (const second of ACTIONS) {
      it(`lets one stream through per ${name} connection: ${first}, then ${second}`, async () => {
        const [mine, other] = [newPath(), newPath()]
        if (first === 'play') await publish(mine)
        await publish(other)
        const client = await open(name, first, mine)
        expect(await client.told).to.equal('yes')
        const asked = backend.requests.length
        client.rtmp![second](`${other.slice('/live/'.length)}?token=123`, 1)
        await client.rtmp!.status(second === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized')
        await until(() => client.closedAt() > 0, 'the connection is gone')
        expect(backend.requests).to.have.length(asked)
        expect((await eventsOf(other))).to.deep.equal(['prePublish', 'postPublish'])
        expect(await server.evaluate(({ look }, path: string) => look.players(path), other)).to.equal(0)
      })
    }
  }

  for (const speech of speechesFor('publish')) {
    for (const [whose, more] of [['from another address', { from: '127.0.0.2' }], ['with another query', { query: 'token=123&key=2' }]] as const) {
      it(`has no second publisher ${whose} (${speech}) put anything into a stream`, async () => {
        const streamPath = newPath()
        const first = await publish(streamPath, speech, { luma: 50 })
        const viewer = await open('http-flv', 'play', streamPath)
        await viewer.waitForMedia()
        const second = await open(speech, 'publish', streamPath, more)
        const alien = createStream({ luma: 222 })
        for (const message of [...alien.opening, ...alien.frame(0)]) second.sendMedia(message)
        await until(() => second.closedAt() > 0, 'it is sent away')
        await until(() => server.log().includes(`allowed, then refused by node-media-server or the app: publish ${streamPath}`), 'it is logged')
        if (second.rtmp !== undefined) expect(second.rtmp.statuses).to.deep.equal(['NetStream.Publish.BadName'])
        await goesOn(viewer)
        expect(containsFrame(viewer, alien.frame(0))).to.equal(false)
        expect(first.closedAt()).to.equal(0)
      })
    }

    it(`has a publisher whose stream the same device has taken over (${speech}) put nothing more into it`, async () => {
      const streamPath = newPath()
      const first = await open(speech, 'publish', streamPath, { stubborn: true })
      await server.waitForEvent({ event: 'postPublish', streamPath })
      const before = keepPublishing(first, { luma: 50 })
      const viewer = await open('http-flv', 'play', streamPath)
      await viewer.waitForMedia()
      before.close()
      const earlier = await publisherOf(streamPath)
      const second = await open(speech, 'publish', streamPath)
      await until(async () => ![earlier, ''].includes(await publisherOf(streamPath)), 'the second publishes')
      const alien = createStream({ luma: 222 })
      for (const message of [...alien.opening, ...alien.frame(0)]) first.sendMedia(message)
      keep(keepPublishing(second, { luma: 90 }))
      await untilGone(first)
      await goesOn(viewer)
      await goesOn(viewer)
      expect(containsFrame(viewer, alien.frame(0))).to.equal(false)
      expect([second.closedAt(), viewer.closedAt()]).to.deep.equal([0, 0])
    })

  }

  for (const speech of SPEECHES) {
    it(`has no viewer (${speech}) put anything into the stream that it plays`, async () => {
      const streamPath = newPath()
      await publish(streamPath, 'rtmp', { luma: 50 })
      const viewer = await open('http-flv', 'play', streamPath)
      const player = await open(speech, 'play', streamPath)
      await player.waitForMedia()
      const alien = createStream({ luma: 222 })
      const tags = [FLV_HEADER, ...[...alien.opening, ...alien.frame(0)].map(flvTag)]
      if (player.rtmp !== undefined) for (const message of [...alien.opening, ...alien.frame(0)]) player.sendMedia(message)
      else if (player.flv instanceof RawHttp) player.flv.wire.write(Buffer.concat(tags))
      else for (const tag of tags) player.flv?.send(tag)
      await goesOn(viewer)
      await goesOn(viewer)
      expect(containsFrame(viewer, alien.frame(0))).to.equal(false)
    })
  }

  it('holds what a viewer pipelines behind a request no longer than its stream', async () => {
    const streamPath = newPath()
    await publish(streamPath)
    const { http } = server.ports
    const client = keep(await RawHttp.open({ port: http, target: `${streamPath}.flv?token=123` }))
    client.wire.write(RawHttp.request({ port: http, target: `${streamPath}.flv?token=no` }))
    expect(await statusOf(client)).to.equal(200)
    await client.waitForMedia(4000)
    expect((await eventsOf(streamPath)).filter((event) => event === 'postPlay')).to.have.length(1)
  })

  if (speechesFor('publish').includes('http-flv')) it('answers Expect: 100-continue only after the allow', async () => {
    const streamPath = newPath()
    backend.answer({ status: 200, hold: true })
    const { http } = server.ports
    const client = keep(await RawHttp.open({ port: http, target: `${streamPath}.flv?token=123`, publishes: true, headers: [`Host: 127.0.0.1:${http}`, 'Expect: 100-continue'] }))
    await backend.waitFor(({ headers }) => headers['x-real-path'] === `${streamPath}.flv`)
    await sleep(50)
    expect(client.interim).to.deep.equal([])
    backend.release()
    await until(() => client.interim.length > 0, '100 Continue')
    keep(keepPublishing(client))
    const viewer = await open('rtmp', 'play', streamPath).then(async (player) => { await until(() => backend.release() > 0, 'asked for'); return player })
    await viewer.waitForMedia()
  })

  it('refuses other methods without asking, and lets OPTIONS through', async () => {
    const { http } = server.ports
    const asked = backend.requests.length
    for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH']) {
      const client = keep(await RawHttp.open({ port: http, target: `${newPath()}.flv?token=123`, method }))
      expect(await statusOf(client)).to.equal(405)
      await until(() => client.closedAt > 0, 'the connection is gone')
    }
    const options = keep(await RawHttp.open({ port: http, target: '/live/s.flv', method: 'OPTIONS', headers: [`Host: 127.0.0.1:${http}`, 'Origin: http://a.example', 'Access-Control-Request-Method: GET'] }))
    expect(await statusOf(options)).to.equal(IS_V2 ? 200 : 204)
    expect(options.headers()['access-control-allow-origin']).to.equal('*')
    expect(backend.requests).to.have.length(asked)
  })

  it('ends an HTTP/2 stream that is denied and leaves the others of its connection alone', async () => {
    const { openHttp2, Http2Client } = await import('../support/flv-clients.js')
    const streamPath = newPath()
    await publish(streamPath)
    const session = openHttp2(server.ports.https)
    keep({ close: () => session.destroy() })
    const { https: port } = server.ports
    const good = keep(new Http2Client({ port, session, target: `${streamPath}.flv?token=123` }))
    await good.waitForMedia()
    const bad = keep(new Http2Client({ port, session, target: `${streamPath}.flv?token=no` }))
    expect(await statusOf(bad)).to.equal(403)
    await until(() => bad.closedAt > 0, 'its stream is gone')
    await good.waitForMedia(good.flv.bytes + 3000)
    expect(session.closed).to.equal(false)
    await good.close()
    await server.waitForEvent({ event: 'donePlay', streamPath })
    expect((await eventsOf(streamPath)).filter((event) => event === 'donePlay')).to.have.length(1)
    expect(isRtmp('rtmps')).to.equal(true)
  })
})

/** Metadata as RTMP viewers get it may still begin with the command that the publisher sent. */
const withoutSetDataFrame = (payload: Buffer): Buffer =>
  payload.toString('latin1', 3, 3 + 13) === '@setDataFrame' ? payload.subarray(16) : payload

const containsFrame = (viewer: AnyClient, frame: readonly MediaMessage[]): boolean => {
  const [picture] = frame.filter(({ type }) => type === 9)
  return viewer.flv!.flv.tags.some(({ payload }) => payload.equals(picture!.payload))
}
