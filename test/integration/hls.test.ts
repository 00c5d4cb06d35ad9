import { expect } from 'chai'
import { CARRIERS, fileClient } from '../support/file-clients.js'
import { hlsStream, urisOf } from '../support/hls-files.js'
import { MOUNT } from '../support/hosts.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const IDLE_MS = 1000

describe('HLS behind the door', function () {
  this.timeout(60_000)
  const { backend, server, keep } = withServer({
    options: { hlsIdleMs: IDLE_MS },
    files: {
      ...hlsStream('live/s'), ...hlsStream('live/other'), 'live/s/page.html': '<p>', 'live/index.html': '<p>'
    }
  })
  afterEach(async () => {
    await server.waitFor(({ auth }) => auth?.stats().viewers === 0 && auth.stats().held === 0)
  })

  for (const over of CARRIERS) {
    it(`asks once for a master playlist, two media playlists and 200 segments over ${over}`, async () => {
      const client = keep(fileClient(server.ports, { over, headers: { 'user-agent': `player/${over}` } }))
      const target = `${MOUNT}/live/s/index.m3u8?token=123&x=1`
      const master = await client.get(target)
      expect(master.status).to.equal(200)
      expect(master.headers).to.include({ 'access-control-allow-origin': '*' })
      const media = urisOf(master.text, target)
      expect(media).to.deep.equal([`${MOUNT}/live/s/720p/index.m3u8?token=123&x=1`, `${MOUNT}/live/s/audio/index.m3u8?token=123&x=1`])
      let segments = 0
      for (const playlist of media) {
        const { status, text } = await client.get(playlist)
        expect(status).to.equal(200)
        for (const segment of urisOf(text, playlist)) {
          const answer = await client.get(segment)
          expect(answer.status, segment).to.equal(200)
          expect(answer.body).to.have.length(512)
          expect(answer.headers).to.include({ 'access-control-allow-origin': '*', 'accept-ranges': 'bytes' })
          segments += 1
        }
      }
      expect(segments).to.equal(200)
      expect(backend.requests).to.have.length(1)
      const [asked] = backend.requests
      const scheme = over === 'HTTP/1' ? 'http' : 'https'
      expect(asked?.query).to.equal('token=123&x=1')
      expect(asked?.headers).to.include({
        'x-real-ip': '127.0.0.1', 'x-real-path': `${MOUNT}/live/s/index.m3u8`, 'x-real-ua': `player/${over}`,
        'x-real-origin': `${scheme}://127.0.0.1:${over === 'HTTP/1' ? server.ports.http : server.ports.https}`
      })
      const id = asked?.headers['x-session-id']
      const events = (await server.events()).filter((event) => event.id === id)
      expect(events.map(({ event, protocol, streamPath }) => [event, protocol, streamPath])).to.deep.equal([
        ['prePlay', 'hls', '/live/s'], ['postPlay', 'hls', '/live/s']
      ])
      expect(events[0]?.ip).to.match(/^(::ffff:)?127\.0\.0\.1:\d+$/)
      const listed = await server.evaluate(({ context }, session: string) => context.sessions.get(session)?.outBytes, String(id))
      expect(listed).to.be.greaterThan(200 * 512)
      const done = await server.waitForEvent({ event: 'donePlay', id: String(id) })
      expect(done.streamPath).to.equal('/live/s')
      expect(await server.evaluate(({ context }, session: string) => context.sessions.has(session), String(id))).to.equal(false)
    })
  }

  it('asks once for many who come at the same time, and all wait for it', async () => {
    backend.answer({ hold: true })
    const client = keep(fileClient(server.ports))
    const answers = Array.from({ length: 50 }, (_, index) => client.get(`${MOUNT}/live/s/${index < 5 ? 'index.m3u8' : `${index}.ts`}?token=123`))
    await server.waitFor(({ auth }) => auth?.stats().held === 50)
    expect(backend.release({ status: 200 })).to.equal(1)
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).to.have.length(5)
    expect(statuses.filter((status) => status === 404)).to.have.length(45)
    expect(backend.requests).to.have.length(1)
  })

  it('denies all who wait for one denial, and asks again for the next', async () => {
    backend.answer({ hold: true })
    const client = keep(fileClient(server.ports))
    const answers = Array.from({ length: 10 }, () => client.get(`${MOUNT}/live/s/index.m3u8?token=bad`))
    await server.waitFor(({ auth }) => auth?.stats().held === 10)
    backend.release({ status: 403 })
    for (const { status, headers } of await Promise.all(answers)) {
      expect(status).to.equal(403)
      expect(headers).to.include({ 'access-control-allow-origin': '*', 'cache-control': 'no-store' })
    }
    expect(backend.requests).to.have.length(1)
    backend.reset()
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=bad`)).status).to.equal(403)
    expect(backend.requests).to.have.length(2)
  })

  it('goes on asking for a waiting one when the first has left', async () => {
    backend.answer({ hold: true })
    const client = keep(fileClient(server.ports))
    const leaver = new AbortController()
    const left = client.get(`${MOUNT}/live/s/index.m3u8?token=123`, { signal: leaver.signal }).catch(() => 'left')
    await until(() => backend.held().length === 1, 'the backend is asked')
    const stays = client.get(`${MOUNT}/live/s/index.m3u8?token=123`)
    await server.waitFor(({ auth }) => auth?.stats().held === 2)
    leaver.abort()
    expect(await left).to.equal('left')
    backend.release({ status: 200 })
    expect((await stays).status).to.equal(200)
    expect(backend.requests).to.have.length(1)
  })

  it('goes on with the first answer when the token has expired, also to a rendition that was never fetched', async () => {
    const client = keep(fileClient(server.ports))
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123`)).status).to.equal(200)
    backend.answer({ status: 403 })
    for (const target of [`${MOUNT}/live/s/index.m3u8?token=123`, `${MOUNT}/live/s/audio/index.m3u8?token=123`, `${MOUNT}/live/s/720p/7.ts?token=123`]) {
      expect((await client.get(target)).status, target).to.equal(200)
    }
    expect(backend.requests).to.have.length(1)
    for (const target of [`${MOUNT}/live/other/index.m3u8?token=123`, `${MOUNT}/live/other/720p/1.ts?token=123`, `${MOUNT}/live/x.ts?token=123`]) {
      expect((await client.get(target)).status, target).to.equal(403)
    }
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123`, { from: '127.0.0.2' })).status).to.equal(403)
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123`, { headers: { 'user-agent': 'another' } })).status).to.equal(403)
  })

  for (const [query, belongs] of [
    ['token=123', true], ['token=123&x=2', true], ['token=123&token=bad', true], ['token=123&_HLS_msn=3&_HLS_part=1', true], ['_HLS_msn=3&token=123', true],
    ['token=1234', false], ['token=12', false], ['', false], ['x=2&token=123', false], ['token=123;x=2', false], ['token=123%26x', false]
  ] as const) {
    it(`${belongs ? 'takes' : 'does not take'} ?${query} for the session opened with ?token=123`, async () => {
      const client = keep(fileClient(server.ports))
      expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123`)).status).to.equal(200)
      backend.answer({ status: 403 })
      expect((await client.get(`${MOUNT}/live/s/index.m3u8?${query}`)).status).to.equal(belongs ? 200 : 403)
      expect(backend.requests).to.have.length(belongs ? 1 : 2)
    })
  }

  it('never takes a shorter query for a session that was opened with a longer one', async () => {
    const client = keep(fileClient(server.ports))
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123&x=2`)).status).to.equal(200)
    backend.answer({ status: 403 })
    expect((await client.get(`${MOUNT}/live/s/index.m3u8?token=123`)).status).to.equal(403)
  })
})
