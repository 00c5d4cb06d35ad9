import { expect } from 'chai'
import { isRtmp, openClient, SPEECHES } from '../support/clients.js'
import { fileClient } from '../support/file-clients.js'
import { hlsStream } from '../support/hls-files.js'
import type { TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { MOUNT } from '../support/hosts.js'
import { withBackend } from '../support/with-server.js'

describe('a session that is asked about again', function () {
  this.timeout(60_000)
  const { backend, keep, start } = withBackend()
  let server: TestServer
  beforeEach(async () => {
    backend.answer({ status: 200, headers: { 'X-AuthDuration': '1', 'X-UserId': 'u' } })
    server = await start({ options: { rememberMs: 60_000 }, files: hlsStream('live/s', { segments: 3 }) })
  })
  const endReason = async (): Promise<string | undefined> => (await server.sessions()).find(({ event }) => event === 'end')?.session.endReason

  for (const speech of SPEECHES) {
    it(`goes on with a 200, the question being the same to the byte, and ends with a denial (${speech})`, async () => {
      const client = keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: '/live/s', query: 'token=123' }))
      await until(() => backend.requests.length >= 3, 'it is asked for twice more')
      const [first, second] = backend.requests
      expect([second!.url, second!.rawHeaders]).to.deep.equal([first!.url, first!.rawHeaders])
      expect(client.closedAt()).to.equal(0)
      backend.answer({ status: 403 })
      await until(() => client.closedAt() > 0, 'it is ended')
      if (isRtmp(speech)) expect(client.answer()).to.equal('NetStream.Play.Start')
      expect(await endReason()).to.equal('denied')
      const again = keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: '/live/s', query: 'token=123' }))
      expect(await again.told).to.equal('no')
    })
  }

  it('ends with a 200 whose body denies, where the body counts', async () => {
    const server = await start({ options: { denyBody: true } })
    const allowed = { status: 200, headers: { 'X-AuthDuration': '1' } }
    backend.answer({ ...allowed, body: '{"error": 0}' })
    const client = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query: 'token=123' }))
    await until(() => backend.requests.length >= 2, 'it is asked for again')
    expect(client.closedAt()).to.equal(0)
    backend.answer({ ...allowed, body: '{"error": 1}' })
    await until(() => client.closedAt() > 0, 'it is ended')
    expect((await server.sessions()).find(({ event }) => event === 'end')?.session.endReason).to.equal('denied')
  })

  for (const over of ['rtmp', 'hls'] as const) {
    it(`is told to Flussonic's backends as an update with a growing number (${over})`, async () => {
      const server = await start({ options: { preset: 'flussonic' }, files: hlsStream('live/s', { segments: 3 }) })
      if (over === 'rtmp') keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query: 'token=123' }))
      else expect((await keep(fileClient(server.ports)).get(`${MOUNT}/live/s/index.m3u8?token=123`)).status).to.equal(200)
      await until(() => backend.requests.length >= 3, 'it is asked for twice more')
      const asked = backend.requests.slice(0, 3).map(({ query }) => new URLSearchParams(query))
      const of = (name: string): (string | null)[] => asked.map((params) => params.get(name))
      expect(of('request_type')).to.deep.equal(['new_session', 'update_session', 'update_session'])
      expect(of('request_number')).to.deep.equal(['0', '1', '2'])
      for (const name of ['session_id', 'name', 'token', 'ip', 'proto']) expect(new Set(of(name)).size, name).to.equal(1)
      expect([of('name')[0], of('token')[0]]).to.deep.equal(['live/s', '123'])
    })
  }

  for (const preset of ['smarty', 'flussonic'] as const) {
    it(`comes every three minutes with the preset ${preset}, however long the backend's answer is good for`, async () => {
      backend.answer(({ query }) => ({ status: 200, headers: query.includes('long') ? { 'X-AuthDuration': '36000' } : {}, body: '{"error": 0}' }))
      const server = await start({ options: { preset } })
      for (const token of ['long', 'none']) await keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query: `token=${token}` })).told
      await server.waitFor(({ auth }) => auth!.sessions().length === 2)
      for (const { nextCheckAt = 0, startedAt } of await server.evaluate(({ auth }) => auth!.sessions())) expect((nextCheckAt - startedAt) / 1000).to.be.within(160, 181)
    })
  }

  it('over HLS is refused with its next playlist', async () => {
    const client = keep(fileClient(server.ports))
    const target = `${MOUNT}/live/s/720p/index.m3u8?token=123`
    expect((await client.get(target)).status).to.equal(200)
    await until(() => backend.requests.length >= 2, 'it is asked for again')
    backend.answer({ status: 403 })
    await until(async () => await endReason() === 'denied', 'it is ended')
    expect((await client.get(target)).status).to.equal(403)
  })

  it('goes on while the backend is down', async () => {
    const client = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query: 'token=123' }))
    await client.told
    backend.answer({ status: 500 })
    await server.waitFor(({ auth }) => (auth!.stats().rechecks.failed ?? 0) > 0)
    expect([client.closedAt(), await endReason()]).to.deep.equal([0, undefined])
  })

  it('is told of by auth.sessions() beforehand, unless nothing is planned', async () => {
    backend.answer(({ query }) => ({ status: 200, headers: query.includes('again') ? { 'X-AuthDuration': '100' } : {} }))
    for (const query of ['token=123&again', 'token=123']) {
      const client = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/s', query }))
      await client.told
    }
    await server.waitFor(({ auth }) => auth!.sessions().length === 2)
    const sessions = await server.evaluate(({ auth }) => auth!.sessions())
    const inSeconds = sessions.map(({ nextCheckAt, startedAt }) => nextCheckAt === undefined ? undefined : (nextCheckAt - startedAt) / 1000)
    expect(inSeconds[0]).to.be.within(89, 101)
    expect(inSeconds[1]).to.equal(undefined)
    expect(sessions[1]).not.to.have.property('nextCheckAt')
  })

  it('is no publisher', async () => {
    keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s', query: 'token=123' }))
    await server.waitFor(({ auth }) => auth!.sessions().length === 1)
    const asked = backend.requests.length
    const { sleep } = await import('../support/waiting.js')
    await sleep(2500)
    expect(backend.requests).to.have.length(asked)
  })
})
