import { expect } from 'chai'
import type { EventEmitter } from 'node:events'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, SPEECHES, type AnyClient } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type Inside, type TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'

/** What an app knows of version 2. */
interface App {
  on(event: string, listener: (id: string, ...args: unknown[]) => void): void
  getSession(id: string): { ip: string, publishStreamPath: string, reject(): void, stop(): void }
}

describe('an app on node-media-server 2.7', function () {
  const keep = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  const begin = async (how: object = {}): Promise<void> => {
    backend = keep(await startBackend())
    backend.answer(({ query }) => ({ status: query.includes('token=123') ? 200 : 403 }))
    server = keep(await startServer({ options: { url: backend.url }, ...how }))
  }
  afterEach(() => keep.run())

  const open = async (action: 'play' | 'publish', streamPath: string, query = 'token=123', speech: AnyClient['speech'] = 'rtmp'): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query }))
  const publish = async (streamPath: string): Promise<AnyClient> => {
    const publisher = await open('publish', streamPath)
    expect(await publisher.told).to.equal('yes')
    keep(keepPublishing(publisher))
    return publisher
  }
  for (const [title, config, warns] of [
    ['has no password', {}, true], ['has one', { auth: { api: true, api_user: 'admin', api_pass: 'x' } }, false]
  ] as const) {
    it(`is warned at the start if NMS's API ${title}: ${warns}`, async () => {
      await begin({ config })
      expect(server.log().includes('WARNING: the API of node-media-server 2.7 (/api, /admin) has no password')).to.equal(warns)
    })
  }

  /** Whether NMS has forgotten everybody. */
  const nobodyIsLeft = (): Promise<unknown> => server.waitFor(({ context }) => {
    const { sessions, publishers, idlePlayers } = context as unknown as { sessions: Map<string, unknown>, publishers: Map<string, unknown>, idlePlayers: Set<string> }
    return sessions.size + publishers.size + idlePlayers.size === 0
  })

  for (const event of ['preConnect', 'prePublish', 'postPublish'] as const) {
    it(`may reject() a publisher in ${event}, who hears why and is gone`, async () => {
      await begin()
      await server.evaluate(({ nms }, name: string) => {
        const app = nms as unknown as App
        app.on(name, (id) => { app.getSession(id).reject() })
      }, event)
      const publisher = await open('publish', '/live/s')
      await publisher.closed
      if (event !== 'postPublish') expect(publisher.answer()).to.equal('NetStream.Publish.Unauthorized')
      await nobodyIsLeft()
      expect(await server.evaluate(({ auth }) => auth?.sessions().length)).to.equal(0)
    })
  }

  for (const speech of SPEECHES) {
    it(`may reject() a player of ${speech} in prePlay, and stop() one that plays`, async () => {
      await begin()
      await publish('/live/s')
      await server.evaluate(({ nms, state }) => {
        const app = nms as unknown as App
        app.on('prePlay', (id, ...[, args]) => { if ('rejected' in (args as object)) app.getSession(id).reject() })
        app.on('postPlay', (id) => { state['last'] = id })
      })
      const rejected = await open('play', '/live/s', 'token=123&rejected', speech)
      await until(() => rejected.closedAt() > 0, 'the rejected player is gone')
      expect(rejected.mediaBytes()).to.equal(0)
      const player = await open('play', '/live/s', 'token=123', speech)
      await player.waitForMedia()
      await server.evaluate(({ nms, state }) => { (nms as unknown as App).getSession(String(state['last'])).stop() })
      await until(() => player.closedAt() > 0, 'the stopped player is gone')
      await until(async () => (await server.sessions()).some(({ event, session }) => event === 'end' && session.endReason === 'closed'), 'its end')
      await server.waitFor(({ context }) => context.sessions.size === 1)
    })
  }

  for (const action of ['publish', 'play'] as const) {
    it(`may reject() a client that wants to ${action} later, from an asynchronous listener, and over RTMP the client hears why`, async () => {
      await begin()
      if (action === 'play') await publish('/live/s')
      await server.evaluate(({ nms }, event: string) => {
        const app = nms as unknown as App
        app.on(event, (id) => {
          setTimeout(() => { app.getSession(id).reject() }, 50)
        })
      }, action === 'play' ? 'prePlay' : 'prePublish')
      for (const speech of action === 'play' ? SPEECHES : ['rtmp'] as const) {
        const client = await open(action, '/live/s', 'token=123', speech)
        await until(() => client.closedAt() > 0, `gone: ${speech}`)
        if (client.rtmp !== undefined) expect(client.rtmp.statuses.at(-1), speech).to.equal(action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized')
      }
      await server.waitFor(({ context }, left: number) => context.sessions.size === left, action === 'play' ? 1 : 0)
      expect(await server.evaluate(({ auth }) => auth?.sessions().length)).to.equal(action === 'play' ? 1 : 0)
    })
  }

  it('may give a stream another name in prePublish, which the registry then has', async () => {
    await begin()
    await server.evaluate(({ nms }) => {
      const app = nms as unknown as App
      app.on('prePublish', (id) => { app.getSession(id).publishStreamPath = '/live/renamed' })
    })
    await publish('/live/key-0815')
    const player = await open('play', '/live/renamed')
    await player.waitForMedia()
    const [{ session: { streamPath } } = { session: { streamPath: '' } }] = (await server.sessions()).filter(({ session }) => session.action === 'publish')
    expect(streamPath).to.equal('/live/renamed')
  })

  it('may not lead a player to another stream than the one that was allowed', async () => {
    await begin()
    await publish('/live/s')
    await publish('/live/secret')
    await server.evaluate(({ nms }) => {
      const app = nms as unknown as App
      app.on('prePlay', (id) => { (app.getSession(id) as unknown as { playStreamPath: string }).playStreamPath = '/live/secret' })
    })
    for (const speech of SPEECHES) {
      const player = await open('play', '/live/s', 'token=123', speech)
      await until(() => player.closedAt() > 0, `gone: ${speech}`)
      expect(player.mediaBytes(), speech).to.equal(0)
    }
  })

  it('hears of nobody before the verdict, and of the connection then', async () => {
    await begin()
    await server.evaluate(({ nms, state }) => {
      state['events'] = []
      for (const event of ['preConnect', 'postConnect', 'doneConnect', 'prePlay', 'postPlay', 'donePlay', 'prePublish', 'postPublish', 'donePublish']) {
        (nms as unknown as App).on(event, () => { (state['events'] as string[]).push(event) })
      }
    })
    const heard = (): Promise<string[]> => server.evaluate(({ state }) => state['events'] as string[])
    for (const speech of SPEECHES) {
      const denied = await open('play', '/live/s', 'token=no', speech)
      expect(await denied.told).to.equal('no')
      await denied.closed
    }
    const denied = await open('publish', '/live/s', 'token=no')
    expect(await denied.told).to.equal('no')
    await denied.closed
    expect(await heard()).to.deep.equal([])
    const publisher = await publish('/live/s')
    expect(await heard()).to.deep.equal(['preConnect', 'postConnect', 'prePublish', 'postPublish'])
    await publisher.close()
    await nobodyIsLeft()
    expect((await heard()).slice(4)).to.deep.equal(['donePublish', 'doneConnect'])
  })

  it('sees a second publisher told that the name is taken', async () => {
    await begin()
    await publish('/live/s')
    const second = await open('publish', '/live/s', 'token=123&another')
    await second.closed
    expect(second.rtmp?.statuses).to.deep.equal(['NetStream.Publish.BadName'])
  })

  it('sees an encoder take over the stream that the app has given another name, and nobody else', async () => {
    await begin()
    await server.evaluate(({ nms }) => {
      const app = nms as unknown as App
      app.on('prePublish', (id) => { app.getSession(id).publishStreamPath = '/live/renamed' })
    })
    const first = await publish('/live/key')
    const player = await open('play', '/live/renamed')
    await player.waitForMedia()
    const other = await open('publish', '/live/renamed')
    await other.closed
    expect(other.rtmp?.statuses).to.deep.equal(['NetStream.Publish.BadName'])
    await publish('/live/key')
    await first.closed
    await player.waitForMedia(player.mediaBytes() + 5000)
    expect(player.closedAt()).to.equal(0)
  })

  it('that throws when a publisher ends leaves its stream to the encoder that takes over', async () => {
    await begin()
    await server.evaluate(({ nms }) => { (nms as unknown as App).on('donePublish', () => { throw new Error('an app\'s listener') }) })
    const first = await publish('/live/s')
    const player = await open('play', '/live/s', 'token=123', 'http-flv')
    await player.waitForMedia()
    await publish('/live/s')
    await first.closed
    await player.waitForMedia(player.mediaBytes() + 5000)
  })

  it('has players over HTTP leave with their publisher, as if they had left by themselves', async () => {
    await begin()
    const publisher = await publish('/live/s')
    const player = await open('play', '/live/s', 'token=123', 'http-flv')
    await player.waitForMedia()
    await publisher.close()
    await player.closed
    await nobodyIsLeft()
    const ends = (await server.sessions()).filter(({ event }) => event === 'end').map(({ session }) => [session.protocol, session.endReason])
    expect(ends).to.have.deep.members([['rtmp', 'left'], ['http-flv', 'left']])
  })

  it('is guarded too if it runs already', async () => {
    await begin({ attachAfterRun: true })
    await publish('/live/s')
    for (const speech of SPEECHES) {
      const stranger = await open('play', '/live/s', 'token=no', speech)
      expect(await stranger.told, speech).to.equal('no')
      await (await open('play', '/live/s', 'token=123', speech)).waitForMedia()
    }
  })

  it('has its streams go on when the plugin is closed, and everybody is let in from then on', async () => {
    await begin()
    await publish('/live/s')
    const players = await Promise.all(SPEECHES.map((speech) => open('play', '/live/s', 'token=123', speech)))
    for (const player of players) await player.waitForMedia()
    await server.evaluate(async ({ auth }: Inside) => { await auth?.close() })
    for (const player of players) await player.waitForMedia(player.mediaBytes() + 5000)
    for (const speech of SPEECHES) await (await open('play', '/live/s', 'token=no', speech)).waitForMedia()
  })

  it('lets nobody in past the gates: the guard stops whoever has no grant', async () => {
    await begin()
    await publish('/live/s')
    await server.evaluate(({ nms }) => {
      const { nhs } = nms as unknown as { nhs: { httpServer: EventEmitter, onConnect: (req: object, res: object) => void } }
      nhs.httpServer.removeAllListeners('request')
      nhs.httpServer.on('request', (req: object, res: object) => { Object.assign(req, { nmsConnectionType: 'http' }); nhs.onConnect(req, res) })
    })
    const intruder = await open('play', '/live/s', 'token=123', 'http-flv')
    await until(() => intruder.closedAt() > 0, 'the intruder is gone')
    expect(intruder.mediaBytes()).to.equal(0)
    await until(() => server.log().includes('was cut by the guard'), 'the line')
  })
})
