import { expect } from 'chai'
import type { Server } from 'node:http'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, SPEECHES, type AnyClient } from '../support/clients.js'
import { createStream, keepPublishing } from '../support/media.js'
import type { NmsBroadcast } from '../../lib/nms/v4/shapes.js'
import { startServer, type Inside, type TestServer } from '../support/server.js'
import { sleep, until } from '../support/waiting.js'

/**
 * Each of gate, guard and hook alone: the other two are taken out of the running NMS, and NMS gets
 * its own listeners and methods back where they were.
 */
type Layer = 'gate' | 'guard' | 'hook'

/** Remembers what NMS is like before the plugin is attached. */
const remember = ({ nms, context, state }: Inside): void => {
  const { httpServer, httpsServer } = nms.httpServer
  state['http'] = [httpServer, httpsServer].map((server) => ({ server, request: server?.listeners('request'), upgrade: server?.listeners('upgrade') }))
  state['broadcasts'] = [...context.broadcasts.values()].map(({ ...broadcast }) => [broadcast.streamPath, broadcast])
  state['events'] = new Map(['prePlay', 'postPlay', 'donePlay', 'prePublish', 'postPublish', 'donePublish'].map((event) => [event, context.eventEmitter.rawListeners(event)]))
}

/** Takes the other layers away. */
const leaveOnly = ({ nms, context, state }: Inside, layer: Layer): void => {
  type Listener = (...args: unknown[]) => void
  if (layer !== 'gate') {
    for (const { server, request, upgrade } of state['http'] as { server: Server, request: Listener[], upgrade: Listener[] }[]) {
      for (const [event, listeners] of [['request', request], ['upgrade', upgrade]] as const) {
        server.removeAllListeners(event)
        for (const listener of listeners) server.on(event, listener)
      }
    }
    const { tcpServer, tlsServer, handleRequest } = nms.rtmpServer
    tcpServer?.removeAllListeners('connection')
    tcpServer?.on('connection', handleRequest)
    tlsServer?.removeAllListeners('secureConnection')
    tlsServer?.on('secureConnection', handleRequest)
  }
  if (layer !== 'guard') {
    delete (context.broadcasts as { set?: unknown }).set
    delete (context.sessions as { set?: unknown }).set
    for (const [path, { postPlay, postPublish }] of state['broadcasts'] as [string, NmsBroadcast][]) {
      Object.assign(context.broadcasts.get(path)!, { postPlay, postPublish })
    }
  }
  if (layer !== 'hook') {
    for (const [event, own] of state['events'] as Map<string, unknown[]>) {
      for (const listener of context.eventEmitter.rawListeners(event)) if (!own.includes(listener)) context.eventEmitter.off(event, listener as Listener)
    }
  }
}

for (const layer of ['gate', 'guard', 'hook'] as const) {
  describe(`the ${layer} alone`, () => {
    const keep = cleanup()
    let backend: ControlledBackend
    let server: TestServer
    let viewer: AnyClient
    const last = cleanup()
    before(async () => {
      backend = last(await startBackend())
      server = last(await startServer({ options: { url: backend.url, defaultAction: 'allow' }, plugin: false, config: { record: null } }))
      // What runs already when the plugin comes goes on whatever layer is left.
      const publisher = last(await openClient({ ports: server.ports, speech: 'http-flv', action: 'publish', streamPath: '/live/s' }))
      await server.waitForEvent({ event: 'postPublish' })
      last(keepPublishing(publisher))
      viewer = last(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: '/live/s' }))
      await viewer.waitForMedia()
      await server.evaluate(remember)
      await server.evaluate(({ attach }) => { attach() })
      await server.evaluate(leaveOnly, layer)
    })
    after(() => last.run())
    afterEach(async () => {
      await keep.run()
      expect(server.running).to.equal(true)
      await viewer.waitForMedia(viewer.mediaBytes() + 2000)
    })

    for (const [index, speech] of SPEECHES.entries()) {
      // Where the gates are away nobody is asked, so even a good token is nobody's.
      const query = layer === 'gate' ? 'token=no' : 'token=123'

      it(`lets no viewer in (${speech})`, async () => {
        const asked = backend.requests.length
        const client = keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: '/live/s', query }))
        await until(() => client.closedAt() > 0, 'its connection is gone')
        expect(client.mediaBytes()).to.equal(0)
        expect(backend.requests.length - asked).to.equal(layer === 'gate' ? 1 : 0)
        expect(await server.evaluate(({ context }) => context.broadcasts.get('/live/s')?.subscribers.size)).to.equal(1)
        if (layer !== 'gate') await until(() => server.log().includes('play of /live/s by 127.0.0.1:') && server.log().includes(`was cut by the ${layer}`), () => `it is reported; ${server.log().slice(-1500)}`)
      })

      it(`lets no publisher in (${speech})`, async () => {
        const streamPath = `/live/new-${index}`
        const client = keep(await openClient({ ports: server.ports, speech, action: 'publish', streamPath, query }))
        const stream = createStream()
        for (const message of [...stream.opening, ...stream.frame(0)]) client.sendMedia(message)
        await until(() => client.closedAt() > 0, 'its connection is gone')
        await sleep(20)
        const left = await server.evaluate(({ context }, path: string) => {
          const broadcast = context.broadcasts.get(path) as { publisher: { id: string } | null, flvVideoHeader: unknown } | undefined
          return [broadcast?.publisher === null || broadcast?.publisher === undefined, broadcast?.flvVideoHeader === null || broadcast?.flvVideoHeader === undefined]
        }, streamPath)
        // A listener alone cannot keep NMS from giving the slot; what matters is that nothing comes of it.
        expect(left[1], 'nothing was published').to.equal(true)
        if (layer !== 'hook') expect(left[0], 'the slot is free').to.equal(true)
        if (layer !== 'hook') expect((await server.events()).filter((event) => event.streamPath === streamPath)).to.deep.equal([])
      })

      it(`leaves a live publisher its slot (${speech})`, async () => {
        const id = await server.evaluate(({ context }) => context.broadcasts.get('/live/s')?.publisher?.id)
        const client = keep(await openClient({ ports: server.ports, speech, action: 'publish', streamPath: '/live/s', query }))
        const alien = createStream({ luma: 222 })
        for (const message of [...alien.opening, ...alien.frame(0)]) client.sendMedia(message)
        await until(() => client.closedAt() > 0, 'its connection is gone')
        await viewer.waitForMedia(viewer.mediaBytes() + 2000)
        expect(await server.evaluate(({ context }) => context.broadcasts.get('/live/s')?.publisher?.id)).to.equal(id)
        const picture = alien.frame(0).find(({ type }) => type === 9)!.payload
        const got = viewer.flv!.flv.tags.splice(0)
        expect(got.some(({ payload }) => payload.equals(picture))).to.equal(false)
      })
    }
  })
}
