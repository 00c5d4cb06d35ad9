import { expect } from 'chai'
import { isRtmp, openClient, protocolOf, SPEECHES, speechesFor, type AnyClient, type Speech } from '../support/clients.js'
import { WebSocketClient, type RawHttp } from '../support/flv-clients.js'
import { startServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const ACTIONS = ['play', 'publish'] as const

describe('a session', () => {
  let streams = 0
  const ids = new Map<string, number>()
  const { backend, server, keep } = withServer({ answer: { status: 200, headers: { 'X-UserId': 'user 7' } } })

  const open = async (speech: Speech, action: 'play' | 'publish', streamPath: string, userAgent = 'Tester/1'): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query: 'token=123', userAgent }))
  const running = (streamPath: string) => server.evaluate(({ auth }, path: string) => auth!.sessions().filter((one) => one.streamPath === path), streamPath)
  const begun = async (streamPath: string): Promise<{ id: string }> => {
    await server.waitFor(({ auth }, path: string) => auth!.sessions().some((one) => one.streamPath === path), streamPath)
    return (await running(streamPath))[0]!
  }
  /** What the handle has told about a stream. */
  const told = async (streamPath: string): Promise<string[]> => (await server.sessions())
    .filter(({ session }) => session.streamPath === streamPath)
    .map(({ event, session }) => event === 'start' ? 'start' : `end: ${session.endReason}`)

  for (const speech of SPEECHES) {
    for (const action of ACTIONS.filter((one) => speechesFor(one).includes(speech))) {
      const streamPath = (): string => `/live/s${++streams}`

      it(`is listed from its begin to its end, and ends once when its client leaves (${speech}, ${action})`, async () => {
        const path = streamPath()
        const client = await open(speech, action, path)
        const { id } = await begun(path)
        expect(ids.has(id)).to.equal(false)
        ids.set(id, 1)
        expect(await running(path)).to.have.length(1)
        expect((await running(path))[0]).to.include({
          action, protocol: protocolOf(speech), ip: '127.0.0.1', userAgent: 'Tester/1', user: 'user 7', source: 'backend', reason: 'allowed by the backend'
        })
        await client.close()
        await server.waitFor(({ auth }, one: string) => !auth!.sessions().some((session) => session.id === one), id)
        expect(await told(path)).to.deep.equal(['start', 'end: left'])
      })

      if (!['rtmps', 'https-flv', 'wss-flv'].includes(protocolOf(speech))) it(`ends once when its connection is reset, as that of a player that is killed (${speech}, ${action})`, async () => {
        const path = streamPath()
        const client = await open(speech, action, path)
        await begun(path)
        if (client.flv instanceof WebSocketClient) client.flv.socket.terminate()
        else (client.rtmp ?? client.flv as RawHttp).wire.socket.resetAndDestroy()
        await until(async () => (await told(path)).length === 2, 'its end is told')
        expect(await running(path)).to.deep.equal([])
        expect(await told(path)).to.deep.equal(['start', 'end: left'])
      })

      it(`is ended by its id, with a word where there is one (${speech}, ${action})`, async () => {
        const path = streamPath()
        const client = await open(speech, action, path)
        const { id } = await begun(path)
        expect(await server.evaluate(({ auth }, one: string) => auth!.end({ id: one }, { message: 'come back tomorrow' }), id)).to.equal(1)
        expect(await running(path)).to.deep.equal([])
        if (isRtmp(speech)) {
          expect(await client.rtmp!.status(action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized')).to.equal('come back tomorrow')
        }
        await until(() => client.closedAt() > 0, 'it is cut')
        expect(await told(path)).to.deep.equal(['start', 'end: closed'])
      })

      it(`is ended by node-media-server's own close() (${speech}, ${action})`, async () => {
        const path = streamPath()
        await open(speech, action, path)
        const { id } = await begun(path)
        await server.evaluate(({ look }, one: string) => look.end(one), id)
        await until(async () => (await told(path)).length === 2, 'its end is told')
        expect(await told(path)).to.deep.equal(['start', 'end: closed'])
      })
    }
  }

  it('of a user is ended with all others of that user', async () => {
    const [one, two] = [`/live/s${++streams}`, `/live/s${++streams}`]
    await open('rtmp', 'play', one)
    await open('ws-flv', 'play', two)
    await begun(one)
    await begun(two)
    expect(await server.evaluate(({ auth }) => auth!.end({ user: 'user 7' }))).to.equal(2)
    expect([await told(one), await told(two)]).to.deep.equal([['start', 'end: closed'], ['start', 'end: closed']])
  })

  it('of a second publisher, another device, never begins, and the log says so', async () => {
    const path = `/live/s${++streams}`
    await open('rtmp', 'publish', path)
    await begun(path)
    const second = await open('rtmp', 'publish', path, 'Another/1')
    await until(() => second.closedAt() > 0, 'the second is cut')
    expect(await running(path)).to.have.length(1)
    expect(await told(path)).to.deep.equal(['start'])
    expect(server.log()).to.match(new RegExp(`allowed, then refused by node-media-server or the app: publish ${path}.* session=`))
  })

  it('of a publisher who comes back within the grace window begins anew, each with its one end', async () => {
    const path = `/live/s${++streams}`
    const first = await open('rtmp', 'publish', path)
    await begun(path)
    await first.close()
    await until(async () => (await told(path)).length === 2, 'the first end is told at once')
    const second = await open('rtmp', 'publish', path)
    await begun(path)
    await second.close()
    await until(async () => (await told(path)).length === 4, 'the second end is told')
    expect(await told(path)).to.deep.equal(['start', 'end: left', 'start', 'end: left'])
  })

  for (const [how, reason, end] of [
    ['close()', 'detached', (inside: { auth: { close(): Promise<void> } | undefined }) => inside.auth!.close()],
    ['stop()', 'stopped', (inside: { nms: { stop(): Promise<void> } }) => inside.nms.stop()]
  ] as const) {
    it(`is over when the server is taken away by ${how}: ${reason}`, async () => {
      const own = keep(await startServer({ options: { url: backend.url } }))
      for (const speech of SPEECHES) keep(await openClient({ ports: own.ports, speech, action: 'play', streamPath: '/live/s' }))
      await own.waitFor(({ auth }, count: number) => auth!.sessions().length === count, SPEECHES.length)
      await own.evaluate(end)
      const ends = (await own.sessions()).filter(({ event }) => event === 'end').map(({ session }) => session.endReason)
      expect(ends).to.deep.equal(Array(SPEECHES.length).fill(reason))
      await own.kill()
    })
  }
})
