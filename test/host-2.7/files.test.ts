import { expect } from 'chai'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { fileClient, type FileClient } from '../support/file-clients.js'
import { writeFiles } from '../support/hls-files.js'
import { openClient } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'
import { run, spawn, tool } from '../support/tools.js'
import { until } from '../support/waiting.js'

describe('files of node-media-server 2.7', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  let client: FileClient
  const begin = async (config: Readonly<Record<string, object>> = {}): Promise<void> => {
    backend = keep(await startBackend())
    backend.answer(({ query }) => ({ status: query.includes('token=123') ? 200 : 403 }))
    server = keep(await startServer({ config, options: { url: backend.url, log: 'verdicts' } }))
    client = keep(fileClient(server.ports))
  }
  const status = async (target: string): Promise<number> => (await client.get(target)).status
  const askedAbout = (path: string): number => backend.requests.filter(({ headers }) => headers['x-real-path'] === path).length
  afterEach(() => keep.run())

  it('are asked for below mediaroot, wherever Express would serve them from there, and nowhere else', async () => {
    await begin({ http: { port: 1, webroot: 'www' } })
    await writeFiles(join(server.dir, 'media'), {
      'live/s/2026-01-01.mp4': 'recording', 'live/s/index.m3u8': '#EXTM3U\n#EXTINF:1,\n1.ts\n', 'live/s/1.ts': 'segment', 'api/x.mp4': 'secret',
      'static/x.mp4': 'secret', 'favicon.ico': 'not the pages own', 'both.mp4': 'of mediaroot', 'page.html': 'page'
    })
    await writeFiles(join(server.dir, 'www'), { 'index.html': 'welcome', 'film.mp4': 'open to all', 'both.mp4': 'of webroot' })
    for (const path of ['/live/s/2026-01-01.mp4', '/live/s/index.m3u8', '/live/s/1.ts', '/api/x.mp4', '/static/x.mp4', '/both.mp4', '/live/none.mp4']) {
      expect(await status(`${path}?token=no`), path).to.equal(403)
      expect(askedAbout(path), path).to.equal(1)
    }
    for (const path of ['/live/s/2026-01-01.mp4', '/api/x.mp4', '/both.mp4']) {
      expect((await client.get(`${path}?token=123`)).status, path).to.equal(200)
    }
    expect((await client.get('/both.mp4?token=123')).text).to.equal('of mediaroot')
    const asked = backend.requests.length
    for (const [path, text] of [['/film.mp4', 'open to all'], ['/', 'welcome'], ['/page.html', 'page']] as const) {
      expect((await client.get(path)).text, path).to.equal(text)
    }
    expect((await client.get('/favicon.ico')).text).to.not.contain('not the pages own')
    expect((await client.get('/admin/')).text).to.contain('<html')
    expect(JSON.parse((await client.get('/api/streams')).text)).to.deep.equal({})
    expect((await client.get('/api/server')).status).to.equal(200)
    expect(backend.requests).to.have.length(asked)
  })

  it('have one session and one question for a viewer of HLS, of the stream /live/s', async () => {
    await begin()
    await writeFiles(join(server.dir, 'media'), { 'live/s/index.m3u8': '#EXTM3U\n#EXTINF:1,\n1.ts\n', 'live/s/1.ts': 'segment' })
    const playlist = await client.get('/live/s/index.m3u8?token=123')
    expect(playlist.text).to.contain('1.ts?token=123')
    expect(await status('/live/s/1.ts?token=123')).to.equal(200)
    expect(await status('/live/s/1.ts')).to.equal(403)
    expect(backend.about('token=123')).to.have.length(1)
    const [{ request } = { request: { streamPath: '', protocol: '' } }] = (await server.verdicts()).filter(({ verdict }) => verdict.allowed)
    expect([request.protocol, request.streamPath]).to.deep.equal(['hls', '/live/s'])
    expect((await server.events()).map(({ event, streamPath }) => [event, streamPath])).to.deep.equal([['prePlay', '/live/s'], ['postPlay', '/live/s']])
  })

  it('appear where there were none without a way round the door', async () => {
    await begin()
    await mkdir(join(server.dir, 'media/api'), { recursive: true })
    expect(await status('/api/late.mp4')).to.equal(404)
    await writeFiles(join(server.dir, 'media'), { 'api/late.mp4': 'secret' })
    expect(await status('/api/late.mp4')).to.equal(403)
  })

  describe('that its own ffmpeg makes', () => {
    const trans = (): Readonly<Record<string, object>> => ({
      trans: {
        ffmpeg: tool('ffmpeg'),
        tasks: [{
          app: 'live', hls: true, hlsFlags: '[hls_time=1:hls_list_size=3:hls_flags=delete_segments]',
          dash: true, dashFlags: '[f=dash:window_size=3:extra_window_size=5:seg_duration=1]'
        }]
      }
    })
    const encode = (query: string): ReturnType<typeof spawn> => keep(spawn(tool('ffmpeg'), [
      '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', '-f', 'lavfi', '-i', 'sine=sample_rate=44100',
      '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f', 'flv', `rtmp://127.0.0.1:${server.ports.rtmp}/live/s?${query}`
    ]))

    it('are made behind the door, without a rule and without a question, and nobody sees its secret', async () => {
      await begin(trans())
      encode('token=123')
      await until(async () => (await client.get('/live/s/index.m3u8?token=123')).text.includes('.ts?token=123'), 'a playlist', 40_000)
      await until(async () => (await client.get('/live/s/index.mpd?token=123')).status === 200, 'a manifest', 40_000)
      const [, segment = ''] = /^(.*\.ts\?token=123)$/m.exec((await client.get('/live/s/index.m3u8?token=123')).text) ?? []
      expect((await client.get(`/live/s/${segment}`)).body.length).to.be.greaterThan(1000)
      expect(await status('/live/s/index.m3u8')).to.equal(403)

      const publishers = (await server.verdicts()).filter(({ request }) => request.action === 'publish')
      expect(publishers).to.have.length(1)
      expect(backend.requests.every(({ url }) => !url.includes('nms-own'))).to.equal(true)
      const { text } = await client.get('/api/streams')
      expect(JSON.parse(text)).to.have.nested.property('live.s.subscribers').with.length.greaterThan(0)
      for (const seen of [text, server.log(), JSON.stringify(await server.events()), (await client.get('/api/streams/live/s')).text]) expect(seen).to.not.contain('nms-own')
      // What was in the arguments of its process has been used up.
      const own = await server.evaluate(({ context }) => [...context.sessions.values()].length)
      expect(own).to.be.greaterThan(1)
      const { stdout } = await run(tool('ps'), ['-o', 'args', '--ppid', String(server.pid)])
      const [, name = ''] = /rtmp:\/\/127\.0\.0\.1:\d+\/live\/(s\?nms-own=[\w-]+)/.exec(stdout) ?? []
      expect(name).to.not.equal('')
      const thief = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query: name.slice(2) }))
      expect(await thief.told).to.equal('no')
    })

    it('come in other sizes, too: fission plays and publishes without a question', async () => {
      await begin({ fission: { ffmpeg: tool('ffmpeg'), tasks: [{ rule: 'live/*', model: [{ ab: '64k', vb: '100k', vs: '80x60', vf: '10' }] }] } })
      // What its server would do if it started in 2.7.4 as it is published.
      await server.evaluate(({ nms, context }) => {
        const { nfs } = nms as unknown as { nfs: Record<'onPostPublish' | 'onDonePublish', () => void> }
        const { nodeEvent } = context as unknown as { nodeEvent: { on(event: string, listener: () => void): void } }
        nodeEvent.on('postPublish', nfs.onPostPublish.bind(nfs))
        nodeEvent.on('donePublish', nfs.onDonePublish.bind(nfs))
      })
      encode('token=123')
      await server.waitForEvent({ event: 'postPublish', streamPath: '/live/s_60' }, 40_000)
      const viewer = keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: '/live/s_60', query: 'token=123' }))
      await viewer.waitForMedia()
      const stranger = keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: '/live/s_60', query: 'token=no' }))
      expect(await stranger.told).to.equal('no')
      expect((await server.verdicts()).filter(({ request }) => request.protocol === 'rtmp')).to.have.length(1)
    })

    it('are not made for an encoder that was refused', async () => {
      await begin(trans())
      const { code } = await encode('token=no').exited
      expect(code).to.not.equal(0)
      expect(await readFile(join(server.dir, 'media/live/s/index.m3u8'), 'utf8').catch(() => 'none')).to.equal('none')
    })

    it('come from streams of other servers and go to them: relay and fission are let in where the operator wants them', async () => {
      await begin()
      const publisher = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s', query: 'token=123' }))
      expect(await publisher.told).to.equal('yes')
      keep(keepPublishing(publisher))
      /** NMS's own class, as its server of relays makes it: that server itself does not start in 2.7.4 as it is published. */
      const relay = (to: string, isOperators: boolean): Promise<void> => server.evaluate(({ nms, load, state }, { ffmpeg, to, isOperators }) => {
        const { config } = nms as unknown as { config: { rtmp: { port: number }, relay?: object } }
        const Relay = load('node_relay_session.js') as new (conf: object) => { run(): void, end(): void }
        const url = (name: string): string => `rtmp://127.0.0.1:${config.rtmp.port}/live/${name}`
        const conf = { app: 'live', mode: 'push', edge: url(to), ffmpeg, inPath: url('s'), ouPath: url(to) }
        config.relay = { tasks: isOperators ? [conf] : [] }
        const session = new Relay(conf)
        session.run()
        state[to] = session
      }, { ffmpeg: tool('ffmpeg'), to, isOperators })
      await relay('copy', true)
      await server.waitForEvent({ event: 'postPublish', streamPath: '/live/copy' }, 30_000)
      const viewer = keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: '/live/copy', query: 'token=123' }))
      await viewer.waitForMedia()
      // What the API starts is asked for like anybody, since the API is open.
      await relay('stolen', false)
      await until(async () => (await server.verdicts()).some(({ request, verdict }) => request.query === '' && request.action === 'play' && !verdict.allowed), 'a refusal', 20_000)
      await server.evaluate(({ state }) => { for (const session of Object.values(state) as { end(): void }[]) session.end() })
    })
  })
})
