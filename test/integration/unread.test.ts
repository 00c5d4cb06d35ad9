import { expect } from 'chai'
import type { NmsContext, NmsRtmpSession } from '../../lib/nms/v2/shapes.js'
import { RawHttp } from '../support/flv-clients.js'
import { FLV_HEADER, flvTag } from '../support/flv.js'
import { IS_V2 } from '../support/hosts.js'
import { createStream } from '../support/media.js'
import { AUDIO, RtmpClient } from '../support/rtmp-client.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const MB = 1024 * 1024

interface V2 extends Pick<NmsContext, 'publishers'> { readonly sessions: Map<string, NmsRtmpSession> }

describe('what an admitted client can make the server hold', function () {
  this.timeout(60_000)
  const { server, keep } = withServer()

  const endOf = async (streamPath: string, action: string): Promise<string | undefined> =>
    (await server.sessions()).find(({ event, session }) => event === 'end' && session.streamPath === streamPath && session.action === action)?.session.endReason
  /** A publisher that sends so many messages of a megabyte, each once the server has taken the one before, and a viewer has read it. */
  const flood = async (publisher: RtmpClient, messages: number, viewer?: RtmpClient): Promise<void> => {
    for (let n = 0; n < messages; n += 1) {
      publisher.send({ type: AUDIO, streamId: 1, timestamp: n, payload: Buffer.concat([Buffer.of(0xaf, 1), Buffer.alloc(MB)]) })
      await until(() => publisher.wire.socket.writableLength === 0, 'it is sent')
      // Version 2 sends ten messages at once.
      await viewer?.waitForMedia((n + 1 - (n + 1) % 10) * MB)
    }
  }

  for (const way of ['rtmp', 'http-flv', 'ws-flv'] as const) {
    it(`${way}: a viewer that reads nothing is cut at 16 MiB, and one that reads stays`, async () => {
      const name = `unread-${way}`
      const streamPath = `/live/${name}`
      const publisher = keep(await RtmpClient.publisher({ port: server.ports.rtmp }, `${name}?token=123`))
      for (const message of createStream().opening) publisher.sendMedia(message)
      const reads = keep(await RtmpClient.player({ port: server.ports.rtmp }, `${name}?token=123`))
      const client = way === 'rtmp'
        ? keep(await RtmpClient.player({ port: server.ports.rtmp }, `${name}?token=123&idle`))
        : keep(await RawHttp.open({ port: server.ports.http, target: way === 'http-flv' ? `${streamPath}.flv?token=123` : `${streamPath}?token=123`, ...(way === 'ws-flv' && { headers: RawHttp.upgradeHeaders(server.ports.http) }) }))
      if (client instanceof RawHttp) await until(() => client.headers()['connection'] !== undefined || client.headers()['transfer-encoding'] !== undefined, 'an answer')
      client.wire.socket.pause()
      await flood(publisher, 40, reads)
      await until(async () => await endOf(streamPath, 'play') === 'overflow', 'it is cut', 30_000)
      await until(() => server.log().includes(`cut play ${streamPath}: the client left too much unread`), 'it is told')
      await reads.waitForMedia(40 * MB)
      expect(reads.wire.isClosed).to.equal(false)
      client.wire.socket.resume()
    })
  }

  for (const [who, action, protocol] of [['player', 'play', undefined], ['publisher', 'publish', 'post']] as const) {
    // Nobody publishes over HTTP there.
    if (IS_V2 && action === 'publish') continue
    const connect = async (name: string): Promise<RawHttp> => {
      const client = keep(await RawHttp.open({ port: server.ports.http, target: `/live/${name}?token=123`, headers: RawHttp.upgradeHeaders(server.ports.http, protocol) }))
      await until(() => client.headers()['connection'] !== undefined, 'an answer')
      return client
    }

    it(`a WebSocket ${who} that begins a frame without an end is cut`, async () => {
      const client = await connect(`frame-${action}`)
      const head = Buffer.alloc(14)
      head[0] = 0x82
      head[1] = 0xff
      head.writeUInt32BE(90 * MB, 6)
      client.wire.write(head)
      for (let n = 0; n < 40 && !client.wire.isClosed; n += 1) {
        client.wire.write(Buffer.alloc(MB))
        await until(() => client.wire.isClosed || client.wire.socket.writableLength === 0, 'it is sent')
      }
      await until(() => client.wire.isClosed, 'it is cut')
      expect(await endOf(`/live/frame-${action}`, action)).to.equal('overflow')
      await until(() => server.log().includes(`cut ${action} /live/frame-${action}: the client began a frame without an end`), 'it is told')
    })

    it(`a WebSocket ${who} that pings for ever and reads no pong is cut`, async () => {
      const client = await connect(`ping-${action}`)
      client.wire.socket.pause()
      const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)])
      ping.writeUInt8(0x80 | 125, 1)
      const pings = Buffer.concat(Array.from({ length: 8000 }, () => ping))
      for (let n = 0; n < 60 && !client.wire.isClosed; n += 1) {
        client.wire.write(pings)
        await until(() => client.wire.isClosed || client.wire.socket.writableLength === 0, 'it is sent')
        if (await endOf(`/live/ping-${action}`, action) !== undefined) break
      }
      expect(await endOf(`/live/ping-${action}`, action)).to.equal('overflow')
      await until(() => server.log().includes(`cut ${action} /live/ping-${action}: the client sent commands or pings and read no answers`), 'it is told')
      client.wire.reset()
    })
  }

  for (const action of ['play', 'publish'] as const) {
    it(`an RTMP client that sends commands for ever and reads no answer is cut: ${action}`, async () => {
      const name = `commands-${action}`
      const client = keep(await (action === 'play' ? RtmpClient.player : RtmpClient.publisher)({ port: server.ports.rtmp }, `${name}?token=123`))
      client.wire.socket.pause()
      const commands = Buffer.concat(Array.from({ length: 20_000 }, () => client.commandBytes('createStream', 9, [null])))
      const queued = (): Promise<number> => server.evaluate(({ context }, streamPath) => {
        const session = [...context.sessions.values() as Iterable<{ streamPath?: string, playStreamPath?: string, publishStreamPath?: string, socket?: { writableLength: number } }>]
          .find((each) => [each.streamPath, each.playStreamPath, each.publishStreamPath].includes(streamPath))
        return session?.socket?.writableLength ?? 0
      }, `/live/${name}`)
      let most = 0
      for (let n = 0; n < 60 && !client.wire.isClosed; n += 1) {
        client.wire.write(commands)
        await until(async () => {
          most = Math.max(most, await queued())
          return client.wire.isClosed || client.wire.socket.writableLength === 0
        }, 'it is sent', 30_000)
        if (await endOf(`/live/${name}`, action) !== undefined) break
      }
      expect(await endOf(`/live/${name}`, action)).to.equal('overflow')
      await until(() => server.log().includes(`cut ${action} /live/${name}: the client sent commands or pings and read no answers`), 'it is told')
      // Each answer costs ten times its length.
      expect(most).to.be.below(2 * MB)
      client.wire.reset()
    })
  }

  it('what NMS keeps for newcomers is dropped past 32 MiB, and its publisher is not', async () => {
    const publisher = keep(await RtmpClient.publisher({ port: server.ports.rtmp }, 'cache?token=123'))
    const { opening, frame } = createStream()
    for (const message of [...opening, ...frame(0)]) publisher.sendMedia(message)
    const cached = (): Promise<number> => server.evaluate(({ context }, isV2: boolean) => {
      const broadcast = isV2 ? undefined : context.broadcasts.get('/live/cache')
      const { publishers, sessions } = context as unknown as V2
      const session = isV2 ? sessions.get(publishers.get('/live/cache') ?? '') : undefined
      return [broadcast?.flvGopCache, broadcast?.rtmpGopCache, session?.flvGopCacheQueue, session?.rtmpGopCacheQueue]
        .reduce((sum, cache) => sum + [...cache ?? []].reduce((bytes, each) => bytes + each.length, 0), 0)
    }, IS_V2)
    let most = 0
    for (let n = 0; n < 10; n += 1) {
      await flood(publisher, 8)
      most = Math.max(most, await cached())
    }
    expect(most).to.be.within(4 * MB, 33 * MB)
    for (const message of frame(0)) publisher.sendMedia(message)
    await until(async () => { const now = await cached(); return now > 0 && now < MB }, 'the next keyframe begins it anew')
    expect(publisher.wire.isClosed).to.equal(false)
  })

  // Nobody publishes over HTTP to version 2.
  if (IS_V2) return

  it('metadata of an HTTP-FLV publisher is bounded as over RTMP', async () => {
    const client = keep(await RawHttp.open({ port: server.ports.http, target: '/live/script.flv?token=123', method: 'POST', publishes: true }))
    await server.waitForEvent({ event: 'postPublish', streamPath: '/live/script' })
    client.send(Buffer.concat([FLV_HEADER, flvTag({ type: 18, timestamp: 0, payload: Buffer.alloc(15 * MB, 5) })]))
    await until(() => client.wire.isClosed, 'it is cut')
    expect(await endOf('/live/script', 'publish')).to.equal('error')
    await until(() => server.log().includes('cut publish /live/script: metadata of 15728640 bytes'), 'it is told')
  })
})
