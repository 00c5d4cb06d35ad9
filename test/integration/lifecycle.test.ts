import { expect } from 'chai'
import type { EventEmitter } from 'node:events'
import { openClient, SPEECHES, type AnyClient, type Speech } from '../support/clients.js'
import type { Action } from '../../lib/access/request.js'
import { keepPublishing } from '../support/media.js'
import { RtmpClient } from '../support/rtmp-client.js'
import type { Inside, TestServer } from '../support/server.js'
import { inTime, until } from '../support/waiting.js'
import { withBackend } from '../support/with-server.js'

/** Everything of NMS that the plugin may put something else in the place of, named by identity. */
const inventory = ({ nms, context, state }: Inside): string[] => {
  const known = (state['known'] ??= new Map<unknown, number>()) as Map<unknown, number>
  const name = (thing: unknown): string => {
    if (!known.has(thing)) known.set(thing, known.size)
    return `#${known.get(thing)}`
  }
  const lines: string[] = []
  const emitter = (label: string, of: { eventNames: () => (string | symbol)[], rawListeners: (event: string | symbol) => unknown[] } | undefined): void => {
    // Node itself adds listeners for its own timeouts when a server begins to listen, so names are sorted.
    for (const event of [...of?.eventNames() ?? []].map(String).sort()) lines.push(`${label} ${event}: ${of!.rawListeners(event).map(name).join(' ')}`)
  }
  emitter('tcp', nms.rtmpServer.tcpServer)
  emitter('tls', nms.rtmpServer.tlsServer)
  emitter('http', nms.httpServer.httpServer)
  emitter('https', nms.httpServer.httpsServer)
  emitter('nms', context.eventEmitter)
  const own = (label: string, thing: object): void => {
    for (const key of Object.keys(thing).sort()) {
      const value = (thing as Record<string, unknown>)[key]
      if (typeof value === 'function') lines.push(`${label}.${key}: ${name(value)}`)
    }
  }
  own('nms', nms)
  own('rtmpServer', nms.rtmpServer)
  own('httpServer', nms.httpServer)
  own('sessions', context.sessions)
  own('broadcasts', context.broadcasts)
  for (const [path, broadcast] of context.broadcasts) own(`broadcast ${path}`, broadcast)
  for (const session of context.sessions.values()) {
    own(`session ${session.streamPath}`, session)
    if ('rtmp' in session) {
      own(`rtmp ${session.streamPath}`, session.rtmp as object)
      const { socket } = session as unknown as { socket: EventEmitter }
      for (const event of ['data', 'close']) lines.push(`socket ${session.streamPath} ${event}: ${socket.rawListeners(event).map(name).join(' ')}`)
    }
  }
  return lines
}

describe('attached and closed', () => {
  const { backend, keep, start: startServer } = withBackend()

  const start = (settings: Parameters<typeof startServer>[0] = {}): Promise<TestServer> => startServer({ ...settings, options: { timeoutMs: 20_000, ...settings.options } })
  const open = async ({ ports }: TestServer, speech: Speech, action: Action, streamPath: string, query = 'token=123'): Promise<AnyClient> =>
    keep(await openClient({ ports, speech, action, streamPath, query }))
  const publish = async (server: TestServer, speech: Speech, streamPath: string): Promise<AnyClient> => {
    const client = await open(server, speech, 'publish', streamPath)
    await server.waitForEvent({ event: 'postPublish', streamPath })
    keep(keepPublishing(client))
    return client
  }
  const goesOn = (viewer: AnyClient): Promise<void> => viewer.waitForMedia(viewer.mediaBytes() + 2000)

  for (const when of ['before', 'after'] as const) {
    it(`puts back every listener and method that it replaced, attached ${when} run()`, async () => {
      const server = await start({ plugin: false })
      const viewers: AnyClient[] = []
      if (when === 'after') {
        for (const speech of SPEECHES) {
          await publish(server, speech, `/live/${SPEECHES.indexOf(speech)}`)
          viewers.push(await open(server, speech, 'play', `/live/${SPEECHES.indexOf(speech)}`))
        }
        for (const viewer of viewers) await viewer.waitForMedia()
      }
      const before = await server.evaluate(inventory)
      await server.evaluate(({ attach }) => { attach() })
      expect(await server.evaluate(inventory)).not.to.deep.equal(before)
      for (const viewer of viewers) await goesOn(viewer)
      await server.evaluate(({ auth }) => auth?.close())
      const after = await server.evaluate(inventory)
      expect(after.filter((line) => !before.includes(line))).to.deep.equal([])
      expect(before.filter((line) => !after.includes(line))).to.deep.equal([])
      for (const viewer of viewers) await goesOn(viewer)
    })
  }

  it('gives NMS back with the streams that the plugin let in, and can be attached again', async () => {
    const server = await start()
    const viewers: AnyClient[] = []
    for (const speech of SPEECHES) {
      await publish(server, speech, `/live/${SPEECHES.indexOf(speech)}`)
      viewers.push(await open(server, speech, 'play', `/live/${SPEECHES.indexOf(speech)}`))
    }
    for (const viewer of viewers) await viewer.waitForMedia()
    await server.evaluate(async ({ auth }) => {
      const first = auth?.close()
      if (first !== auth?.close()) throw new Error('close() is not idempotent')
      await first
      await auth?.close()
    })
    for (const viewer of viewers) await goesOn(viewer)

    const asked = backend.requests.length
    for (const speech of SPEECHES) {
      const newcomer = await open(server, speech, 'play', `/live/${SPEECHES.indexOf(speech)}`, 'token=no')
      await newcomer.waitForMedia()
      await newcomer.close()
      const streamPath = `/live/new-${SPEECHES.indexOf(speech)}`
      await (await publish(server, speech, streamPath)).close()
    }
    expect(backend.requests).to.have.length(asked)

    await server.evaluate(({ attach }) => { attach() })
    for (const viewer of viewers) await goesOn(viewer)
    const refused = await open(server, 'rtmp', 'play', '/live/0', 'token=no')
    expect(await refused.told).to.equal('no')
    for (const viewer of viewers) await viewer.close()
    await server.waitFor(({ context }) => [...context.broadcasts.values()].every(({ subscribers }) => subscribers.size === 0))
    const ends = (await server.events()).filter(({ event, streamPath }) => event === 'donePlay' && /^\/live\/\d$/.test(streamPath))
    expect(ends.map(({ streamPath }) => streamPath).sort()).to.deep.equal(SPEECHES.flatMap((_, index) => [`/live/${index}`, `/live/${index}`]))
  })

  it('refuses those who are held, and cuts those who have not said what they want', async () => {
    const server = await start()
    backend.answer({ status: 200, hold: true })
    const held = await Promise.all(SPEECHES.flatMap((speech) => (['play', 'publish'] as const).map((action) =>
      open(server, speech, action, `/live/${action}-${SPEECHES.indexOf(speech)}`))))
    await until(() => backend.requests.length === held.length, 'all are asked for')
    const silent = keep(await RtmpClient.open({ port: server.ports.rtmp }))
    await silent.handshake()
    await server.waitFor(({ auth }, count: number) => auth?.stats().held === count, held.length + 1)
    await server.evaluate(({ auth, state }) => { state['closing'] = auth?.close() })
    for (const client of held) {
      expect(await client.told).to.equal('no')
      expect(client.answer()).to.satisfy((answer: unknown) => answer === 503 || /Failed|Unauthorized/.test(String(answer)))
    }
    await until(() => held.every((client) => client.closedAt() > 0) && silent.wire.isClosed, 'all are gone')
    // The backend never answers, and nobody waits until its time is up.
    await inTime(server.evaluate(({ state }) => state['closing'] as Promise<void>), 'it is closed')
    expect(await server.outages()).to.deep.equal([])
    expect((await server.verdicts()).map(({ verdict }) => verdict.source)).to.deep.equal(held.map(() => 'overload'))
    expect(await server.events()).to.deep.equal([])
    expect(await server.evaluate(({ auth, context }) => [auth?.stats().held, context.sessions.size])).to.deep.equal([0, 0])
  })

  it('is closed by nms.stop(), with clients at the door and in a stream', async () => {
    const server = await start()
    await publish(server, 'rtmp', '/live/s')
    await (await open(server, 'rtmp', 'play', '/live/s')).waitForMedia()
    backend.answer({ status: 200, hold: true })
    const held = await Promise.all((['rtmp', 'http-flv', 'ws-flv', 'https-flv over HTTP/2'] as const).map((speech) => open(server, speech, 'play', '/live/s')))
    await until(() => backend.held().length === held.length, 'all are asked for')
    const stopped = server.stop()
    await until(() => held.every((client) => client.closedAt() > 0), 'all are gone')
    await keep.run()
    await stopped
  })

  it('attached after run(), lets running streams go on and cuts undecided connections', async () => {
    const server = await start({ plugin: false })
    const viewers: AnyClient[] = []
    for (const speech of SPEECHES) {
      await publish(server, speech, `/live/${SPEECHES.indexOf(speech)}`)
      viewers.push(await open(server, speech, 'play', `/live/${SPEECHES.indexOf(speech)}`))
    }
    for (const viewer of viewers) await viewer.waitForMedia()
    const undecided = keep(await RtmpClient.connected({ port: server.ports.rtmp }))
    const silent = keep(await RtmpClient.open({ port: server.ports.rtmps, tls: true }))
    await server.waitFor(({ context }, count: number) => context.sessions.size === count, 2 * SPEECHES.length + 2)
    await server.evaluate(({ attach }) => { attach() })
    await until(() => undecided.wire.isClosed && silent.wire.isClosed, 'the undecided are cut')
    for (const viewer of viewers) await goesOn(viewer)
    expect(backend.requests).to.have.length(0)
    for (const speech of SPEECHES) {
      const denied = await open(server, speech, 'play', '/live/0', 'token=no')
      expect(await denied.told).to.equal('no')
      const allowed = await open(server, speech, 'play', '/live/0')
      await allowed.waitForMedia()
    }
    // The ones that ran already are closed as firmly as others, and end once.
    await server.evaluate(({ context }) => { for (const session of [...context.sessions.values()]) session.close() })
    await until(() => viewers.every((viewer) => viewer.closedAt() > 0), 'all are gone')
    await server.waitFor(({ context }) => context.sessions.size === 0)
    const done = (await server.events()).filter(({ event }) => event === 'donePlay')
    expect(new Set(done.map(({ id }) => id)).size).to.equal(done.length)
  })

  it('lets no listener that throws, or rejects, change a verdict', async () => {
    const server = await start()
    await server.evaluate(({ auth }) => {
      for (const event of ['verdict', 'session', 'unavailable'] as const) {
        auth?.on(event, () => { throw new Error(`thrown by a listener of ${event}`) })
        const rejects = (): unknown => Promise.reject(new Error(`rejected by a listener of ${event}`))
        auth?.on(event, rejects)
      }
    })
    for (const speech of SPEECHES) {
      const streamPath = `/live/${SPEECHES.indexOf(speech)}`
      await publish(server, speech, streamPath)
      await (await open(server, speech, 'play', streamPath)).waitForMedia()
      expect(await (await open(server, speech, 'play', streamPath, 'token=no')).told).to.equal('no')
    }
    const log = server.log()
    expect(log).to.contain('thrown by a listener of verdict').and.to.contain('rejected by a listener of session')
    expect((await server.sessions()).filter(({ event }) => event === 'start')).to.have.length(2 * SPEECHES.length)
  })

  it('cuts only its own client when a listener of node-media-server throws', async () => {
    const server = await start()
    await publish(server, 'rtmp', '/live/s')
    const viewer = await open(server, 'http-flv', 'play', '/live/s')
    await viewer.waitForMedia()
    await server.evaluate(({ context }) => {
      for (const event of ['postPlay', 'postPublish']) context.eventEmitter.on(event, (session: { streamPath: string }) => { if (session.streamPath.includes('throw')) throw new Error('an app\'s listener') })
    })
    for (const speech of SPEECHES) for (const action of ['play', 'publish'] as const) {
      const client = await open(server, speech, action, `/live/throw-${action}-${SPEECHES.indexOf(speech)}`)
      // What Express catches it answers with 500, but only once the whole body has come.
      if (action === 'publish' && speech.startsWith('http')) await server.waitForEvent({ event: 'postPublish', streamPath: `/live/throw-publish-${SPEECHES.indexOf(speech)}` })
      else await until(() => client.closedAt() > 0 || client.answer() === 500, `the client is gone: ${action} by ${speech}`)
    }
    await goesOn(viewer)
  })

  describe('refuses with a clear error, and touches nothing,', () => {
    const refusal = (server: TestServer, code: string): Promise<{ before: string[], after: string[], code?: string, message?: string }> =>
      server.evaluate((inside, source: string) => {
        const [list, act] = (0, eval)(source) as [typeof inventory, (inside: Inside) => unknown]
        const before = list(inside)
        try {
          act(inside)
        } catch (error) {
          const { code, message } = error as { code: string, message: string }
          return { before, after: list(inside), code, message }
        }
        return { before, after: list(inside) }
      }, `[${inventory.toString()}, ${code}]`)

    for (const [title, code, expected] of [
      ['to attach twice', '({ nms, httpAuth }) => { httpAuth(nms) }', 'ERR_ALREADY_ATTACHED'],
      ['what is no node-media-server', '({ httpAuth }) => { httpAuth({ on() {}, run() {} }, { url: "http://127.0.0.1:1" }) }', 'ERR_HOST_UNSUPPORTED'],
      ['null', '({ httpAuth }) => { httpAuth(null, { url: "http://127.0.0.1:1" }) }', 'ERR_HOST_UNSUPPORTED']
    ] as const) {
      it(title, async () => {
        const server = await start()
        const { before, after, code: got } = await refusal(server, code)
        expect(got).to.equal(expected)
        expect(after).to.deep.equal(before)
        expect(await (await open(server, 'rtmp', 'play', '/live/s', 'token=no')).told).to.equal('no')
      })
    }

    for (const [title, code, expected, message] of [
      ['a version that is not supported', '({ nms, httpAuth, require }) => { const p = require("node-media-server/package.json"); const was = p.version; p.version = "2.7.4"; try { httpAuth(nms, { url: "http://127.0.0.1:1" }) } finally { p.version = was } }', 'ERR_HOST_UNSUPPORTED', '2.7.4'],
      ['internals that lack what is needed', '({ nms, httpAuth, context }) => { const { eventEmitter } = context; context.eventEmitter = undefined; try { httpAuth(nms, { url: "http://127.0.0.1:1" }) } finally { context.eventEmitter = eventEmitter } }', 'ERR_HOST_UNSUPPORTED', 'Context'],
      ['an option that it does not know', '({ nms, httpAuth }) => { httpAuth(nms, { url: "http://127.0.0.1:1", defaultActoin: "allow" }) }', 'ERR_OPTIONS', 'defaultAction'],
      ['a config without the section', '({ nms, httpAuth }) => { httpAuth(nms) }', 'ERR_NO_SECTION', 'httpAuth']
    ] as const) {
      it(title, async () => {
        const server = await start({ plugin: false })
        const { before, after, code: got, message: said } = await refusal(server, code)
        expect(got).to.equal(expected)
        expect(said).to.contain(message)
        expect(after).to.deep.equal(before)
        await publish(server, 'rtmp', '/live/s')
        await (await open(server, 'http-flv', 'play', '/live/s', 'token=no')).waitForMedia()
      })
    }
  })
})
