import { expect } from 'chai'
import { join } from 'node:path'
import { refusingPort, startBackend } from '../support/backend.js'
import { CARRIERS, fileClient } from '../support/file-clients.js'
import { RawHttp } from '../support/flv-clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import type { ServerSettings, TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { withBackend } from '../support/with-server.js'

const LARGE = 200_000_000
const MASTER = '/static/live/s/index.m3u8?token=123'

describe('sessions of HLS and files', function () {
  this.timeout(60_000)
  const { backend, keep, start: startServer } = withBackend()

  const start = (options: object = {}, config: ServerSettings['config'] = {}): Promise<TestServer> => startServer({
    config, options: { hlsIdleMs: 60_000, ...options }, files: {
      ...hlsStream('live/s', { segments: 3 }), 'live/s/rec.flv': 5000, 'live/s/rec.mp4': 5000, 'live/s/init.mp4': 10, 'rec.flv': 5000, 'live/index.html': '<p>page', 'app.js': 'x'
    }
  })
  const closeSession = (server: TestServer, id: string): Promise<void> => server.evaluate(({ context }, session: string) => context.sessions.get(session)?.close(), id)

  for (const remembered of [false, true]) {
    it(`are asked for anew once they are closed${remembered ? ', whatever is remembered' : ''}`, async () => {
      const server = await start(remembered ? { rememberMs: 600_000 } : {})
      const client = keep(fileClient(server.ports))
      expect((await client.get(MASTER)).status).to.equal(200)
      const id = String(backend.requests[0]?.headers['x-session-id'])
      await closeSession(server, id)
      await server.waitForEvent({ event: 'donePlay', id })
      expect(await server.evaluate(({ auth }) => auth?.stats().viewers)).to.equal(0)
      backend.answer({ status: 403 })
      expect((await client.get(MASTER)).status).to.equal(403)
      expect((await client.get('/static/live/s/720p/1.ts?token=123')).status).to.equal(403)
      expect(backend.requests).to.have.length(3)
      expect((await server.events()).filter(({ event }) => event === 'donePlay')).to.have.length(1)
    })
  }

  for (const [identity, moved, other] of [
    [['query', 'address', 'userAgent'], 2, 3], [['query', 'userAgent'], 1, 2], [['query', 'address'], 2, 2], [['query'], 1, 1]
  ] as const) {
    it(`are told apart by ${identity.join(', ')}, and by everything where there is no query`, async () => {
      const server = await start({ files: { identity }, rememberMs: 600_000 })
      const client = keep(fileClient(server.ports))
      const get = async (target: string, from: string, userAgent: string): Promise<number> => (await client.get(target, { from, headers: { 'user-agent': userAgent } })).status
      expect(await get(MASTER, '127.0.0.2', 'phone')).to.equal(200)
      expect(await get('/static/live/s/720p/1.ts?token=123', '127.0.0.3', 'phone')).to.equal(200)
      expect(backend.requests, 'by another address').to.have.length(moved)
      expect(await get('/static/live/s/720p/2.ts?token=123', '127.0.0.2', 'its key loader')).to.equal(200)
      expect(backend.requests, 'by another user agent').to.have.length(other)
      expect(await get('/static/live/s/720p/2.ts?token=124', '127.0.0.2', 'phone')).to.equal(403)
      backend.answer({ status: 200 })
      const asked = backend.requests.length
      for (const from of ['127.0.0.2', '127.0.0.3']) expect(await get('/static/live/s/index.m3u8', from, 'phone')).to.equal(200)
      expect(backend.requests, 'without a query').to.have.length(asked + 2)
      // Who was closed is closed by every address.
      for (const { id } of await server.evaluate(({ auth }) => auth!.sessions())) await closeSession(server, id)
      backend.answer({ status: 403 })
      for (const from of ['127.0.0.2', '127.0.0.3']) expect(await get(MASTER, from, 'phone')).to.equal(403)
    })
  }

  it('are not anybody else\'s who comes on the same connection', async () => {
    const server = await start()
    const client = keep(fileClient(server.ports))
    const segment = '/static/live/s/720p/1.ts'
    const player = { 'user-agent': 'player' }
    expect((await client.get(`${segment}?token=123`, { headers: player })).status).to.equal(200)
    expect((await client.get(`${segment}?token=124`, { headers: player })).status).to.equal(403)
    expect((await client.get(`${segment}?token=123`, { headers: player })).status).to.equal(200)
    expect(backend.requests).to.have.length(2)
    backend.answer({ status: 403 })
    expect((await client.get(`${segment}?token=123`, { headers: { 'user-agent': 'another' } })).status).to.equal(403)
    expect((await client.get('/static/live/s/480p/1.ts?token=123', { headers: player })).status).to.equal(403)
    expect((await client.get(segment, { headers: player })).status).to.equal(403)
    expect((await client.get(`${segment}?token=123`, { headers: player })).status).to.equal(200)
    expect(backend.requests).to.have.length(5)
  })

  for (const over of CARRIERS) {
    it(`cut what is being sent when they are closed, and account for it, over ${over}`, async () => {
      const server = await start()
      await writeFiles(join(server.dir, 'static'), { 'live/s/large.mp4': LARGE })
      const client = keep(fileClient(server.ports, { over }))
      const sent = client.get('/static/live/s/large.mp4?token=123').then(({ body }) => body.length, () => 'cut')
      const asked = await backend.waitFor('token=123')
      await server.waitFor(({ context }, id: string) => context.sessions.has(id), String(asked.headers['x-session-id']))
      await closeSession(server, String(asked.headers['x-session-id']))
      expect(await sent).to.equal('cut')
      await until(async () => (await server.sessions()).some(({ event }) => event === 'end'), 'the session ends')
      const ended = (await server.sessions()).find(({ event }) => event === 'end')?.session
      expect(ended).to.include({ protocol: 'file', streamPath: '/live/s' })
      expect(ended?.outBytes).to.be.lessThan(LARGE)
    })
  }

  it('can be closed by a listener of prePlay, which lets nobody in', async () => {
    const server = await start()
    await server.evaluate(({ nms }) => { (nms as unknown as { on: (event: string, listener: (session: { close: () => void }) => void) => void }).on('prePlay', (session) => session.close()) })
    const client = keep(fileClient(server.ports))
    expect((await client.get(MASTER)).status).to.equal(403)
    expect((await server.events()).map(({ event }) => event)).to.deep.equal(['prePlay', 'donePlay'])
    expect(await server.evaluate(({ auth, context }) => [auth?.stats().viewers, context.sessions.size])).to.deep.equal([0, 0])
  })

  it('let nobody in if a listener of prePlay throws, and leave nothing behind', async () => {
    const server = await start()
    await server.evaluate(({ nms }) => { (nms as unknown as { on: (event: string, listener: () => void) => void }).on('prePlay', () => { throw new Error('listener') }) })
    const client = keep(fileClient(server.ports))
    expect((await client.get(MASTER)).status).to.equal(503)
    expect(await server.evaluate(({ auth, context }) => [auth?.stats().viewers, auth?.stats().held, context.sessions.size])).to.deep.equal([0, 0, 0])
    // Its log says allowed; why the viewer got nothing even so must stand there, too.
    expect(server.log()).to.contain('internal error').and.to.contain('Error: listener')
  })

  for (const [what, second] of [['a live stream', '/live/s.flv?token=123'], ['a file', '/static/live/s/1.ts?token=123']] as const) {
    it(`have nothing behind them that waited on their connection when its client left: ${what}`, async () => {
      const server = await start()
      backend.answer({ status: 200, hold: true })
      const client = keep(await RawHttp.open({ port: server.ports.http, target: '/static/live/s/rec.mp4?token=124' }))
      client.wire.write(RawHttp.request({ port: server.ports.http, target: second }))
      await until(() => backend.held().length === 1, 'the first is held')
      await server.evaluate(() => undefined)
      await client.close()
      await server.waitFor(({ nms }) => new Promise((resolve) => nms.httpServer.httpServer?.getConnections((_, count) => resolve(count === 0))))
      backend.release()
      await server.waitFor(({ auth }) => auth?.stats().held === 0)
      expect(backend.requests.filter(({ query }) => query === 'token=123')).to.deep.equal([])
      expect(await server.events()).to.deep.equal([])
      expect(await server.evaluate(({ context, auth }) => [context.sessions.size, context.broadcasts.size, auth?.stats().viewers])).to.deep.equal([0, 0, 0])
    })
  }

  it('are remembered when their viewer comes back from a pause, to whichever directory', async () => {
    const server = await start({ hlsIdleMs: 300 })
    backend.answer({ status: 200, headers: { 'X-AuthDuration': '3600' } })
    const client = keep(fileClient(server.ports))
    expect((await client.get(MASTER)).status).to.equal(200)
    await server.waitForEvent({ event: 'donePlay' })
    backend.answer({ status: 403 })
    expect((await client.get('/static/live/s/audio/1.ts?token=123')).status).to.equal(200)
    expect((await client.get('/static/live/s/720p/1.ts?token=123&v=1')).status).to.equal(200)
    expect((await client.get('/static/live/s/init.mp4?token=123')).status).to.equal(200)
    expect(backend.requests).to.have.length(1)
    const verdicts = await server.verdicts()
    expect(verdicts.map(({ verdict, request }) => [verdict.source, request.streamPath, request.path])).to.deep.equal([
      ['backend', '/live/s', '/static/live/s/index.m3u8'], ['remembered', '/live/s', '/static/live/s/index.m3u8']
    ])
    expect(verdicts[0]?.request.sessionId).to.not.equal(verdicts[1]?.request.sessionId)
    expect((await client.get('/static/live/s/audio/1.ts?token=123', { from: '127.0.0.2' })).status).to.equal(403)
  })

  it('are bounded, and the live make no room', async () => {
    const server = await start({ maxSessions: 3, maxSessionsPerIp: 2 })
    const client = keep(fileClient(server.ports))
    const get = async (token: string, from: string): Promise<number> => (await client.get(`/static/live/s/index.m3u8?token=123&${token}`, { from })).status
    expect([await get('a', '127.0.0.1'), await get('b', '127.0.0.1')]).to.deep.equal([200, 200])
    expect(await get('c', '127.0.0.1'), 'a third of one address').to.equal(503)
    expect(await get('d', '127.0.0.2')).to.equal(200)
    expect(await get('e', '127.0.0.3'), 'a fourth').to.equal(503)
    expect(backend.requests).to.have.length(3)
    expect([await get('a', '127.0.0.1'), await get('d', '127.0.0.2')]).to.deep.equal([200, 200])
    expect((await server.verdicts()).filter(({ verdict }) => verdict.source === 'overload')).to.have.length(2)
  })

  it('count who waits for another\'s verdict as held', async () => {
    const server = await start({ maxHeldPerIp: 5 })
    backend.answer({ hold: true })
    const client = keep(fileClient(server.ports))
    const answers = Array.from({ length: 20 }, () => client.get(MASTER))
    await server.waitFor(({ auth }) => auth?.stats().held === 5)
    // Held by the server is not yet held by the backend.
    await backend.waitFor('token=123')
    backend.release({ status: 200 })
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).to.be.at.least(5)
    expect(statuses.every((status) => status === 200 || status === 503)).to.equal(true)
    expect(backend.requests).to.have.length(1)
    await server.waitFor(({ auth }) => auth?.stats().held === 0)
  })

  for (const [file, protocol] of [['rec.flv', 'file'], ['rec.mp4', 'file'], ['1.ts', 'hls'], ['index.m3u8', 'hls']] as const) {
    it(`have the protocol ${protocol} if they begin with ${file}`, async () => {
      const server = await start({ rules: [{ protocol, verdict: 'deny' }] })
      const client = keep(fileClient(server.ports))
      expect((await client.get(`/static/live/s/${file}?token=123`)).status).to.equal(403)
      expect((await server.verdicts()).map(({ request }) => request.protocol)).to.deep.equal([protocol])
    })
  }

  for (const over of CARRIERS) {
    it(`serve recorded files with ranges, asked for once, over ${over}`, async () => {
      const server = await start()
      const client = keep(fileClient(server.ports, { over }))
      for (const [directory, path, streamPath] of [['live/s/', '/static/live/s/rec.flv', '/live/s'], ['', '/static/rec.flv', '/static']] as const) {
        const target = `/static/${directory}rec.flv?token=123`
        const whole = await client.get(target)
        expect([whole.status, whole.body.length, whole.headers['access-control-allow-origin']]).to.deep.equal([200, 5000, '*'])
        const part = await client.get(target, { headers: { range: 'bytes=1000-1999' } })
        expect([part.status, part.body.length, part.headers['content-range']]).to.deep.equal([206, 1000, 'bytes 1000-1999/5000'])
        expect((await client.get(`/static/${directory}rec.flv?token=bad`)).status).to.equal(403)
        const asked = backend.requests.filter(({ headers }) => headers['x-real-path'] === path)
        expect(asked.map(({ query }) => query)).to.deep.equal(['token=123', 'token=bad'])
        expect((await server.verdicts()).at(-1)?.request).to.include({ protocol: 'file', streamPath, path })
      }
    })
  }

  it('of files open no playlist, and those of HLS no recording that is no part of it', async () => {
    const server = await start()
    const client = keep(fileClient(server.ports))
    expect((await client.get('/static/live/s/rec.flv?token=123')).status).to.equal(200)
    backend.answer({ status: 403 })
    expect((await client.get(MASTER)).status).to.equal(403)
    backend.reset()
    expect((await client.get(MASTER, { headers: { 'user-agent': 'b' } })).status).to.equal(200)
    backend.answer({ status: 403 })
    expect((await client.get('/static/live/s/init.mp4?token=123', { headers: { 'user-agent': 'b' } })).status).to.equal(200)
    expect((await client.get('/static/live/s/rec.flv?token=123', { headers: { 'user-agent': 'b' } })).status).to.equal(403)
  })

  it('are not asked for by pages, and a missing .flv below the route is a live stream', async () => {
    const server = await start()
    const client = keep(fileClient(server.ports))
    for (const [target, status] of [['/static/app.js', 200], ['/static/live/', 200], ['/static/live/index.html', 200], ['/static/none.html', 404], ['/static', 301], ['/static/', 404]] as const) {
      expect((await client.get(target)).status, target).to.equal(status)
    }
    expect(backend.requests).to.have.length(0)
    expect((await client.get('/static/none.flv?token=bad')).status).to.equal(403)
    expect((await server.verdicts()).at(-1)?.request).to.include({ protocol: 'http-flv', streamPath: '/static/none' })
    for (const target of ['/static/n%20one.flv?token=123', '/static/none.FLV?token=123', '/static/none.flv/?token=123']) expect((await client.get(target)).status, target).to.equal(400)
    expect((await client.get('/static/live/s/none.flv?token=123')).status).to.equal(404)
  })

  for (const [defaultAction, status] of [['allow', 200], ['deny', 503]] as const) {
    it(`get the default action during an outage: ${defaultAction}`, async () => {
      const nobody = keep(await refusingPort())
      const server = await start({ url: nobody.url, defaultAction })
      const client = keep(fileClient(server.ports))
      for (const target of [MASTER, '/static/live/s/720p/1.ts?token=1', '/static/live/s/rec.flv']) {
        const answer = await client.get(target)
        expect([answer.status, answer.headers['access-control-allow-origin']], target).to.deep.equal([status, '*'])
      }
    })
  }

  it('end with the plugin, and files are open as before', async () => {
    const server = await start()
    const client = keep(fileClient(server.ports))
    expect((await client.get(MASTER)).status).to.equal(200)
    await server.evaluate(({ auth }) => auth?.close())
    expect((await server.events()).map(({ event }) => event)).to.deep.equal(['prePlay', 'postPlay', 'donePlay'])
    expect(await server.evaluate(({ auth, context }) => [auth?.stats().viewers, context.sessions.size])).to.deep.equal([0, 0])
    const open = await client.get('/static/live/s/index.m3u8')
    expect([open.status, open.text.includes('?'), open.headers['access-control-allow-origin']]).to.deep.equal([200, false, undefined])
  })

  it('are guarded below a route at the root, where the API and live streams work as before', async () => {
    const server = await start({}, { static: { router: '/', root: 'static' }, webadmin: { enable: true }, auth: { jwt: { secret: 'x'.repeat(40), expiresIn: '1h' } } })
    await writeFiles(join(server.dir, 'static'), { 'admin/secret.ts': 10, 'live/file.flv': 4000 })
    const client = keep(fileClient(server.ports))
    expect((await client.get('/live/s/index.m3u8')).status).to.equal(403)
    expect((await client.get('/live/s/index.m3u8?token=123')).status).to.equal(200)
    expect((await client.get('/api/v1/streams')).status).to.equal(401)
    expect((await client.get('/api/v1/login', { method: 'POST' })).status).to.not.be.oneOf([403, 405])
    expect([200, 301]).to.include((await client.get('/admin')).status)
    expect((await client.get('/admin/')).status).to.equal(200)
    expect((await client.get('/admin/secret.ts')).status).to.equal(403)
    expect((await client.get('/live/file.flv?token=123')).body).to.have.length(4000)
    expect((await client.get('/live/none.flv?token=bad')).status).to.equal(403)
    expect((await server.verdicts()).slice(-2).map(({ request }) => request.protocol)).to.deep.equal(['file', 'http-flv'])
  })

  it('outlive a listener of donePlay that throws, and so does the process', async () => {
    const server = await start({ hlsIdleMs: 300 })
    await server.evaluate(({ context }) => { context.eventEmitter.on('donePlay', () => { throw new Error('an app\'s listener') }) })
    const client = keep(fileClient(server.ports))
    for (const times of [1, 2]) {
      expect((await client.get(MASTER)).status).to.equal(200)
      await server.waitFor(({ auth, context }) => auth?.stats().viewers === 0 && context.sessions.size === 0)
      expect(backend.requests).to.have.length(times)
    }
    expect(server.log()).to.contain('a listener of node-media-server\'s "donePlay" failed').and.to.contain('an app\'s listener')
    expect((await server.sessions()).map(({ event }) => event)).to.deep.equal(['start', 'end', 'start', 'end'])
  })

  it('are closed by a notify.url that says no', async () => {
    const notified = keep(await startBackend())
    notified.answer({ status: 403 })
    const server = await start({}, { notify: { url: notified.url } })
    const client = keep(fileClient(server.ports))
    // It may be closed while its first answer is on its way, which is then cut.
    await client.get(MASTER).catch(() => undefined)
    const id = String(backend.requests[0]?.headers['x-session-id'])
    await server.waitForEvent({ event: 'donePlay', id })
    expect(await server.evaluate(({ auth }) => auth?.stats().viewers)).to.equal(0)
  })
})
