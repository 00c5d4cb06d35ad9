import { expect } from 'chai'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { startServer, type TestServer } from '../support/server.js'
import { spawn, tool } from '../support/tools.js'

describe('what encoders and RTMP players send', () => {
  const keep = cleanup()
  let backend: ControlledBackend
  let server: TestServer
  before(async () => {
    backend = keep(await startBackend())
    backend.answer({ status: 200 })
    server = keep(await startServer({ options: { url: backend.url } }))
  })
  after(() => keep.run())
  let number = 0
  const newName = (): string => `s${number++}`

  /** What NMS has of a session in its fields, by the name of the stream. */
  const fieldsOf = (name: string): Promise<object | undefined> => server.evaluate(({ context }, wanted: string) => {
    const session = [...context.sessions.values()].find(({ streamName }) => streamName === wanted)
    return session && { app: session.streamApp, path: session.streamPath, query: session.streamQuery }
  }, name)

  for (const [what, app, nameOf, tcUrl, query, parsed] of [
    ['the token in the server\'s URL', 'live?token=1', (s: string) => s, undefined, 'token=1', { token: '1' }],
    ['a token in both', 'live?token=1', (s: string) => `${s}?x=2`, undefined, 'token=1&x=2', { token: '1', x: '2' }],
    ['the token in tcUrl alone', 'live', (s: string) => s, 'rtmp://h/live?token=1', 'token=1', { token: '1' }],
    ['a slash behind the app', 'live/', (s: string) => `${s}?token=1`, undefined, 'token=1', { token: '1' }],
    ['the default instance', 'live/_definst_', (s: string) => `mp4:${s}?token=1`, undefined, 'token=1', { token: '1' }],
    ['a second question mark', 'live', (s: string) => `${s}?token=1?x=2`, undefined, 'token=1?x=2', { token: '1?x=2' }]
  ] as const) {
    it(`${what}: backend and node-media-server have the same clean stream`, async () => {
      const name = newName()
      keep(await RtmpClient.player({ port: server.ports.rtmp, app, ...(tcUrl !== undefined && { tcUrl }) }, nameOf(name)))
      const asked = await backend.waitFor(({ headers }) => headers['x-real-path'] === `/live/${name}`)
      expect(asked.query).to.equal(query)
      expect(await fieldsOf(name)).to.deep.equal({ app: 'live', path: `/live/${name}`, query: parsed })
    })
  }

  it('a stream name in the app and an empty name', async () => {
    const name = newName()
    keep(await RtmpClient.player({ port: server.ports.rtmp, app: `live/${name}?sig=a` }, 'b=='))
    expect((await backend.waitFor(({ headers }) => headers['x-real-path'] === `/live/${name}`)).query).to.equal('sig=a/b==')
    expect(await fieldsOf(name)).to.deep.equal({ app: 'live', path: `/live/${name}`, query: { sig: 'a/b==' } })
  })

  it('a name that cannot be: the client and the log are told which character it is', async () => {
    const client = keep(await RtmpClient.connected({ port: server.ports.rtmp }))
    client.play('tv.one?token=1')
    expect(await client.status('NetStream.Play.Failed')).to.equal('the stream name has "."; node-media-server takes letters, digits, _ and - only')
    expect(server.log()).to.include('source=malformed reason="the stream name has \\".\\"; node-media-server takes')
  })

  for (const [what, urlOf, options] of [
    ['a slash in the token', (name: string) => `/live/${name}?token=1&sig=a/b==`, []],
    ['two slashes in the token', (name: string) => `/live/${name}?sig=a/b/c`, []],
    ['the token in the server\'s URL', () => '/live?token=1', (name: string) => ['-rtmp_app', 'live?token=1', '-rtmp_playpath', name]]
  ] as const) {
    it(`ffmpeg with ${what}`, async () => {
      const name = newName()
      const flags = typeof options === 'function' ? options(name) : options
      keep(spawn(tool('ffmpeg'), [
        '-hide_banner', '-nostdin', '-loglevel', 'warning', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25', '-c:v', 'libx264', '-preset', 'ultrafast', '-t', '30',
        '-f', 'flv', ...flags, `rtmp://127.0.0.1:${server.ports.rtmp}${urlOf(name)}`
      ]))
      await server.waitForEvent({ event: 'postPublish', streamPath: `/live/${name}` }, 20_000)
      const { query } = backend.requests.find(({ headers }) => headers['x-real-path'] === `/live/${name}`)!
      expect(query).to.equal(flags.length > 0 ? 'token=1' : urlOf(name).split('?')[1])
    })
  }
})
