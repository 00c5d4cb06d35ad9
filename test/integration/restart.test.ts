import { expect } from 'chai'
import { join } from 'node:path'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, type AnyClient } from '../support/clients.js'
import { fileClient } from '../support/file-clients.js'
import { writeFiles } from '../support/hls-files.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type Ports, type TestServer } from '../support/server.js'
import { IS_V2, MOUNT } from '../support/hosts.js'
import { freePort, listens } from '../support/tools.js'
import { until } from '../support/waiting.js'

describe('a server that is stopped, and run again', function () {
  const keep = cleanup()
  let backend: ControlledBackend
  beforeEach(async () => {
    backend = keep(await startBackend())
    backend.answer(({ query }) => ({ status: query.includes('token=123') ? 200 : 403 }))
  })
  afterEach(() => keep.run())

  const start = async (options: object = {}): Promise<TestServer> => {
    const server = await startServer({ config: { static: { router: '/static', root: 'static' } }, options: { url: backend.url, ...options } })
    // Version 4 stops only once.
    keep({ close: () => server.kill() })
    return server
  }
  const open = async (ports: Ports, action: 'play' | 'publish', token: string, speech: AnyClient['speech'] = 'rtmp'): Promise<AnyClient> =>
    keep(await openClient({ ports, speech, action, streamPath: '/live/s', query: `token=${token}` }))

  /** Stops it, and runs it again on other ports, after this; version 4 makes another for that. */
  const runAgain = async (server: TestServer, before: 'nothing' | 'attach' | 'close, attach'): Promise<Ports> => {
    const ports = { rtmp: await freePort(), rtmps: await freePort(), http: await freePort(), https: await freePort() }
    await server.evaluate(async ({ nms, context, auth, state, httpAuth }, { ports, before, options, isV2 }) => {
      if (before.startsWith('close')) await (state['again'] as typeof auth ?? auth)?.close()
      await nms.stop()
      interface Listening { port: number, ssl?: Listening }
      const { rtmp, rtmps = rtmp.ssl!, http, https } = ((nms as unknown as { config?: object }).config ?? context.config) as Record<'rtmp' | 'rtmps' | 'http' | 'https', Listening>
      for (const [section, port] of [[rtmp, ports.rtmp], [rtmps, ports.rtmps], [http, ports.http], [https, ports.https]] as const) section.port = port
      const next = isV2 || before === 'nothing' ? nms : new (nms.constructor as new (config: object) => typeof nms)(context.config)
      if (before.endsWith('attach')) state['again'] = httpAuth(next, options)
      await next.run()
    }, { ports, before, options: { url: backend.url }, isV2: IS_V2 })
    await until(async () => (await Promise.all([listens(ports.rtmp), listens(ports.http)])).every(Boolean), 'it runs again')
    return ports
  }
  const guards = async (ports: Ports): Promise<void> => {
    keep(keepPublishing(await open(ports, 'publish', '123')))
    expect(await (await open(ports, 'publish', 'no')).told).to.equal('no')
    for (const speech of ['rtmp', 'http-flv'] as const) {
      await (await open(ports, 'play', '123', speech)).waitForMedia()
      expect(await (await open(ports, 'play', 'no', speech)).told, speech).to.equal('no')
    }
  }

  it('refuses to run unguarded, and says what to do', async () => {
    const server = await start()
    const refused = await runAgain(server, 'nothing').catch((error: unknown) => error)
    expect(refused).to.include({ code: 'ERR_STOPPED' }).with.property('message').that.contains(IS_V2 ? 'call httpAuth() again' : 'make another')
    await guards(await runAgain(server, 'attach'))
  })

  if (!IS_V2) it('is not guarded again, as it cannot run again: the error says what to do', async () => {
    const server = await start()
    const refused = await server.evaluate(async ({ nms, httpAuth }, options) => {
      await nms.stop()
      httpAuth(nms, options)
    }, { url: backend.url }).catch((error: unknown) => error)
    expect(refused).to.include({ code: 'ERR_STOPPED' }).with.property('message').that.contains('make another')
    await guards(await runAgain(server, 'attach'))
  })

  it('is guarded by another httpAuth(), whoever stopped it', async () => {
    const server = await start()
    await guards(await runAgain(server, 'close, attach'))
  })

  it('lets nobody in while it stops, however long the plugin takes to close', async () => {
    const receiver = keep(await startBackend())
    receiver.answer({ hold: true })
    const server = await start({ webhook: { url: receiver.url } })
    keep(keepPublishing(await open(server.ports, 'publish', '123')))
    await (await open(server.ports, 'play', '123')).waitForMedia()
    await until(() => receiver.held().length > 0, 'the webhook waits')
    await server.evaluate(({ nms, state }) => { state['stopping'] = nms.stop() })
    const answers = new Set<string>()
    await until(async () => {
      const client = await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: '/live/s', query: 'token=no' }).catch(() => undefined)
      answers.add(client === undefined ? 'gone' : await client.told)
      await client?.close()
      return answers.has('gone') || answers.has('yes')
    }, 'nobody is there')
    expect([...answers]).to.not.include('yes')
    receiver.release({ status: 200 })
    await server.evaluate(({ state }) => state['stopping'] as Promise<void>)
  })

  it('refuses those whose connection outlives it', async () => {
    const server = await start()
    await writeFiles(join(server.dir, 'static'), { 'live/s/index.m3u8': '#EXTM3U\n' })
    const client = keep(fileClient(server.ports, { over: 'HTTP/2' }))
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123`)).status).to.equal(200)
    await server.evaluate(({ nms }) => nms.stop())
    const status = await client.get(`${MOUNT}/live/s/index.m3u8?token=no`).then((answer) => answer.status, () => 'gone')
    expect(status).to.be.oneOf([503, 'gone'])
  })
})
