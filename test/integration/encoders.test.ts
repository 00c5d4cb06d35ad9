import { expect } from 'chai'
import { IS_V2 } from '../support/hosts.js'
import { openClient } from '../support/clients.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { keepPublishing } from '../support/media.js'
import { spawn, tool } from '../support/tools.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

describe('what encoders and RTMP players send', () => {
  const { backend, server, keep } = withServer({ answer: { status: 200 } })
  let number = 0
  const newName = (): string => `s${number++}`

  /** What NMS has of a session in its fields, by the name of the stream. */
  const fieldsOf = (name: string): Promise<object | undefined> => server.evaluate(({ context }, wanted: string) => {
    for (const session of context.sessions.values()) {
      const { streamApp: app, streamPath: path, streamQuery: query } = session
      // Version 2 has other names for them.
      const { appname, playStreamPath, playArgs } = session as { appname?: string, playStreamPath?: string, playArgs?: object }
      const fields = { app: app ?? appname, path: path ?? playStreamPath, query: query ?? { ...playArgs } }
      if (fields.path === `/live/${wanted}`) return fields
    }
    return undefined
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

  const eventsOf = async (name: string): Promise<string[]> => (await server.events()).filter(({ streamPath }) => streamPath === `/live/${name}`).map(({ event }) => event)

  for (const [how, end] of [
    ['closeStream', (client: RtmpClient) => client.command('closeStream', 0, [null], 1)],
    ['deleteStream', (client: RtmpClient) => client.command('deleteStream', 0, [null, 1])]
  ] as const) {
    it(`a second play after ${how} is asked for like a first`, async () => {
      const [first, second, denied] = [newName(), newName(), newName()]
      const publishers = await Promise.all([first, second].map(async (name) => keep(await RtmpClient.publisher({ port: server.ports.rtmp }, name))))
      for (const publisher of publishers) keep(keepPublishing(publisher, { everyMs: 20 }))
      const client = keep(await RtmpClient.player({ port: server.ports.rtmp }, `${first}?n=1`))
      await client.waitForMedia()
      end(client)
      client.play(`${second}?n=2`)
      await server.waitForEvent({ event: 'postPlay', streamPath: `/live/${second}` })
      await client.waitForMedia(client.media.bytes + 2000)
      expect(await eventsOf(first)).to.deep.equal(['prePublish', 'postPublish', 'prePlay', 'postPlay', 'donePlay'])
      expect(backend.requests.filter(({ headers }) => headers['x-real-path'] === `/live/${second}`).map(({ query }) => query)).to.deep.equal(['', 'n=2'])
      expect(await server.evaluate(({ context }, path: string) => {
        const { broadcasts, publishers, sessions } = context as { broadcasts?: typeof context.broadcasts, publishers?: Map<string, string>, sessions: Map<string, object> }
        return broadcasts?.get(path)?.subscribers.size ?? (sessions.get(publishers!.get(path)!) as { players: Set<string> }).players.size
      }, `/live/${first}`), 'nothing more is sent of the first').to.equal(0)

      end(client)
      backend.answer(({ headers }) => ({ status: headers['x-real-path'] === `/live/${denied}` ? 403 : 200 }))
      client.play(denied)
      await client.status('NetStream.Play.Failed')
      await until(() => client.wire.isClosed, 'it is closed')
      await until(async () => (await eventsOf(second)).includes('donePlay'), 'its second play is done')
      expect((await eventsOf(second)).filter((event) => event === 'donePlay')).to.have.length(1)
      expect(await eventsOf(denied)).to.deep.equal([])
    })
  }

  it('a second play while the first runs is refused, and says so', async () => {
    const client = keep(await RtmpClient.player({ port: server.ports.rtmp }, newName()))
    client.play(newName())
    expect(await client.status('NetStream.Play.Failed')).to.include('a stream runs on this connection; end it with closeStream')
  })

  it('a second publisher hears BadName and no Start; the log says so; the first goes on', async () => {
    const name = newName()
    const first = keep(await RtmpClient.publisher({ port: server.ports.rtmp }, `${name}?key=1`))
    keep(keepPublishing(first, { everyMs: 20 }))
    const other = keep(await RtmpClient.connected({ port: server.ports.rtmp }))
    other.publish(`${name}?key=2`)
    expect(await other.status('NetStream.Publish.BadName')).to.equal(IS_V2 ? 'Stream already publishing' : 'somebody publishes this stream already')
    expect(other.statuses).to.deep.equal(['NetStream.Publish.BadName'])
    await until(() => server.log().includes(`allowed, then refused by node-media-server or the app: publish /live/${name}`), 'it is logged')
    const player = keep(await RtmpClient.player({ port: server.ports.rtmp }, name))
    await player.waitForMedia(2000)
    expect(first.wire.isClosed).to.equal(false)
  })

  it('the same encoder, back before its old connection has died, takes over; its viewers stay', async () => {
    const name = newName()
    const first = keep(await RtmpClient.publisher({ port: server.ports.rtmp }, `${name}?key=1`))
    const before = keepPublishing(first, { everyMs: 20 })
    const player = keep(await RtmpClient.player({ port: server.ports.rtmp }, name))
    await player.waitForMedia(2000)
    const overHttp = keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: `/live/${name}` }))
    await overHttp.waitForMedia()
    before.close()
    const again = keep(await RtmpClient.publisher({ port: server.ports.rtmp }, `${name}?key=1`))
    keep(keepPublishing(again, { everyMs: 20 }))
    await until(() => first.wire.isClosed, 'the old connection is cut')
    await player.waitForMedia(player.media.bytes + 4000)
    await overHttp.waitForMedia(overHttp.mediaBytes() + 4000)
    const sessions = await server.sessions()
    expect(sessions.filter(({ session: { streamPath, action } }) => streamPath === `/live/${name}` && action === 'publish').map(({ event, session }) => [event, session.endReason]))
      .to.deep.equal([['start', undefined], ['end', 'replaced'], ['start', undefined]])
    const [, replaced, newcomer] = sessions.filter(({ session: { streamPath, action } }) => streamPath === `/live/${name}` && action === 'publish')
    expect(replaced?.session.goneFor).to.deep.include({ rule: 'replaced' }).and.nested.include({ 'by.session': newcomer?.session.id })
    // Version 2 has a new session of the stream, and apps that hear of its end and its begin, such as `trans`; version 4 goes on with it.
    expect((await eventsOf(name)).slice(6)).to.deep.equal(IS_V2 ? ['prePublish', 'donePublish', 'postPublish'] : ['prePublish', 'postPublish'])
  })
})
