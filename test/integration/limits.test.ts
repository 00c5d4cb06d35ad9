import { expect } from 'chai'
import { join } from 'node:path'
import { startBackend, type Asked, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { isRtmp, openClient, SPEECHES, type AnyClient, type Speech } from '../support/clients.js'
import { CARRIERS, fileClient, type Fetched, type FileClient } from '../support/file-clients.js'
import { statusOf, WebSocketClient } from '../support/flv-clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import { startServer, type TestServer } from '../support/server.js'
import { MOUNT } from '../support/hosts.js'
import { longestOver, watchLag } from '../support/surplus.js'
import { keepPublishing } from '../support/media.js'
import { sleep, until } from '../support/waiting.js'

const WATCHED = 'your account is watched on 1 other device'
const POLICIES = ['endOldest', 'denyNew'] as const

describe('the limit of sessions of a user', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  const servers = {} as Record<typeof POLICIES[number], TestServer>
  let streams = 0
  let users = 0

  // The query says how the backend answers.
  const answer = ({ query }: Asked) => {
    const params = new URLSearchParams(query)
    const headers = { ...(params.has('user') && { 'X-UserId': params.get('user')! }), ...(params.has('max') && { 'X-Max-Sessions': params.get('max')! }), ...(params.has('unique') && { 'X-Unique': params.get('unique')! }) }
    return { status: 200, headers, ...(params.has('hold') && { hold: true }) }
  }

  before(async () => {
    backend = await startBackend()
    backend.answer(answer)
    for (const whenFull of POLICIES) {
      servers[whenFull] = await startServer({
        config: { static: { router: '/static', root: 'static' } }, options: { url: backend.url, limits: { whenFull, barMs: 2000 } }
      })
      for (const name of ['a', 'b', 'c']) await writeFiles(join(servers[whenFull].dir, 'static'), { ...hlsStream(`live/${name}`, { segments: 3 }), [`live/${name}/whole.mp4`]: 5000 })
    }
  })
  after(async () => {
    for (const server of Object.values(servers)) await server.stop()
    await backend.close()
  })
  afterEach(async () => {
    await keep.run()
    for (const server of Object.values(servers)) await server.waitFor(({ auth }) => auth!.sessions().every(({ protocol }) => protocol === 'hls' || protocol === 'file'))
  })

  const open = async (server: TestServer, speech: Speech, query: string, more: { from?: string, userAgent?: string, streamPath?: string, action?: 'play' | 'publish' } = {}): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: `/live/s${++streams}`, query, ...more }))
  const running = (server: TestServer, user: string) => server.evaluate(({ auth }, whose: string) => auth!.sessions().filter((one) => one.user === whose), user)
  const count = async (server: TestServer, user: string, sessions: number): Promise<void> => {
    await server.waitFor(({ auth }, [whose, size]: [string, number]) => auth!.sessions().filter((one) => one.user === whose).length === size, [user, sessions] as [string, number])
  }
  const newUser = (): string => `user${++users}`

  for (const speech of SPEECHES) {
    it(`ends the oldest half a second after the newcomer, and tells it why (${speech})`, async () => {
      const user = newUser()
      const server = servers.endOldest
      const first = await open(server, speech, `user=${user}&max=1`, { userAgent: 'one' })
      await count(server, user, 1)
      const second = await open(server, speech, `user=${user}&max=1`, { userAgent: 'two' })
      await count(server, user, 2)
      await until(() => first.closedAt() > 0, 'the first is ended')
      expect((await running(server, user)).map(({ userAgent }) => userAgent)).to.deep.equal(['two'])
      expect(second.closedAt()).to.equal(0)
      if (isRtmp(speech)) expect(await first.rtmp!.status('NetStream.Play.Failed')).to.equal(WATCHED)
      if (first.flv instanceof WebSocketClient) expect([first.flv.closeCode, first.flv.closeReason]).to.deep.equal([1008, WATCHED])
      const end = (await server.sessions()).find(({ event, session }) => event === 'end' && session.user === user)!.session
      const session = (await running(server, user))[0]!.id
      expect(end).to.deep.include({ endReason: 'limit', goneFor: { rule: 'endOldest', by: { session, ip: '127.0.0.1', userAgent: 'two' } } })
    })

    it(`refuses whoever was ended and starts again at once, and another device plays on (${speech})`, async () => {
      const user = newUser()
      const server = servers.endOldest
      const first = await open(server, speech, `user=${user}&max=1`, { userAgent: 'one' })
      await count(server, user, 1)
      await open(server, speech, `user=${user}&max=1`, { userAgent: 'two' })
      await until(() => first.closedAt() > 0, 'the first is ended')
      for (const query of [`user=${user}&max=1`, `user=${user}&max=1&fresh=1`]) {
        const again = await open(server, speech, query, { userAgent: 'one' })
        expect(await again.told).to.equal('no')
        if (isRtmp(speech)) expect(await again.rtmp!.status('NetStream.Play.Failed')).to.equal(WATCHED)
        else {
          expect(await statusOf(again.flv!)).to.equal(403)
          await again.closed
          expect(again.flv!.text()).to.equal(`${WATCHED}\n`)
        }
      }
      await sleep(700)
      expect((await running(server, user)).map(({ userAgent }) => userAgent)).to.deep.equal(['two'])
    })

    it(`refuses the newcomer under denyNew (${speech})`, async () => {
      const user = newUser()
      const server = servers.denyNew
      await open(server, speech, `user=${user}&max=1`, { userAgent: 'one' })
      await count(server, user, 1)
      const second = await open(server, speech, `user=${user}&max=1`, { userAgent: 'two' })
      expect(await second.told).to.equal('no')
      expect((await server.verdicts()).at(-1)!.verdict).to.include({ allowed: false, source: 'limit', reason: WATCHED })
      expect((await running(server, user)).map(({ userAgent }) => userAgent)).to.deep.equal(['one'])
    })
  }

  for (const whenFull of POLICIES) {
    it(`leaves two of twelve whose allows come in one turn, of all protocols (${whenFull})`, async () => {
      const user = newUser()
      const server = servers[whenFull]
      const lag = await watchLag([server])
      const all = await Promise.all(Array.from({ length: 12 }, (_, n) => open(server, SPEECHES[n % SPEECHES.length]!, `user=${user}&max=2&hold=1`, { userAgent: `device ${n}` })))
      await until(() => backend.held().length === 12, 'all are asked for')
      backend.release()
      const over = async (): Promise<number> => (await running(server, user)).length
      await until(() => all.filter((client) => client.closedAt() === 0).length === 2, 'ten are closed')
      await until(async () => await over() === 2, 'two are left')
      // Nobody else goes, and nobody who was ended comes back.
      for (let n = 0; n < 50; n++, await sleep(20)) expect(await over()).to.equal(2)
      const own = (await server.sessions()).filter(({ session }) => session.user === user)
      expect(longestOver(own, 2), 'ms above the limit').to.be.below(1000 + await lag())
    })

    for (const speech of ['rtmp', 'http-flv', 'ws-flv'] as const) {
      it(`lets a player zap whose old connection stays open, on one link and with fresh ones (${speech}, ${whenFull})`, async () => {
        const user = newUser()
        const server = servers[whenFull]
        // Without a stream an HTTP player is told nothing yet.
        for (const channel of [0, 1]) {
          const publisher = await open(server, 'rtmp', '', { action: 'publish', streamPath: `/live/channel${channel}` })
          expect(await publisher.told).to.equal('yes')
          keep(keepPublishing(publisher))
        }
        for (let n = 0; n < 8; n++) {
          const client = await open(server, speech, `user=${user}&max=1${n % 4 < 2 ? '' : `&fresh=${n}`}`, { userAgent: 'tv', streamPath: `/live/channel${n % 2}` })
          expect(await client.told, `zap ${n}`).to.equal('yes')
          await count(server, user, 1)
          await sleep(1100)
        }
      })
    }
  }

  for (const [what, query, sessions] of [
    ['X-Unique: true is one', 'unique=true', 1], ['X-Max-Sessions beats X-Unique', 'unique=true&max=3', 3], ['0 is no limit', 'unique=true&max=0', 4],
    ['-1 says nothing', 'max=-1', 4], ['1e9 says nothing', 'max=1e9', 4], ['x says nothing', 'max=x', 4], ['2 is two', 'max=2', 2]
  ] as const) {
    it(`is what the backend says: ${what}`, async () => {
      const user = newUser()
      const server = servers.endOldest
      for (let n = 0; n < 4; n++) await open(server, 'rtmp', `user=${user}&${query}`, { userAgent: `${n}` })
      await sleep(900)
      await count(server, user, sessions)
    })
  }

  it('that falls from 3 to 1 lets the newest stay', async () => {
    const user = newUser()
    const server = servers.endOldest
    for (let n = 0; n < 3; n++) await open(server, 'rtmp', `user=${user}&max=3`, { userAgent: `${n}` })
    await count(server, user, 3)
    const newest = await open(server, 'rtmp', `user=${user}&max=1`, { userAgent: 'newest' })
    await count(server, user, 1)
    expect((await running(server, user)).map(({ userAgent }) => userAgent)).to.deep.equal(['newest'])
    expect(newest.closedAt()).to.equal(0)
  })

  it('counts a user without an id by its query, and nobody where that is empty, too', async () => {
    const server = servers.endOldest
    const openThree = (query: string): Promise<AnyClient[]> => Promise.all(['a', 'b', 'c'].map((userAgent) => open(server, 'rtmp', query, { userAgent })))
    const stay = (clients: readonly AnyClient[]): number => clients.filter((client) => client.closedAt() === 0).length
    const link = `max=1&token=${newUser()}`
    for (const query of [link, `user=&${link}2`]) {
      const three = await openThree(query)
      await until(() => stay(three) === 1, () => `one stays of ${query}; there are ${stay(three)}`)
    }
    // A link that differs in anything is somebody else's.
    const [own, other] = [await open(server, 'rtmp', `${link}3`), await open(server, 'rtmp', `${link}3&x=1`)]
    backend.answer({ status: 200, headers: { 'X-Max-Sessions': '1' } })
    const nobody = await openThree('').finally(() => backend.answer(answer))
    await sleep(900)
    expect([stay([own, other]), stay(nobody)]).to.deep.equal([2, 3])
  })

  it('keeps a device out that floods the server with fresh links, and nobody else\'s bar is lost for it', async () => {
    const server = servers.endOldest
    const [noisy, other] = [newUser(), newUser()]
    const ended = { userAgent: 'one', streamPath: `/live/s${++streams}` }
    const playing: AnyClient[] = []
    for (const user of [noisy, other]) {
      const first = await open(server, 'http-flv', `user=${user}&max=1`, ended)
      await count(server, user, 1)
      playing.push(await open(server, 'http-flv', `user=${user}&max=1`, { userAgent: 'two' }))
      await until(() => first.closedAt() > 0, 'the first is ended')
    }
    const askedFor = (user: string): number => backend.requests.filter(({ query }) => query.includes(`user=${user}&max=1`)).length
    const before = askedFor(other)
    const told: string[] = []
    let over = false
    // Each try that is refused keeps it out for as long again.
    const again = (async () => {
      while (!over) {
        told.push(await (await open(server, 'http-flv', `user=${other}&max=1`, ended)).told)
        await sleep(50)
      }
    })()
    for (let n = 0; n < 500; n += 20) {
      const flood = await Promise.all(Array.from({ length: 20 }, (_, index) => open(server, 'http-flv', `user=${noisy}&max=1&n=${n + index}`, ended)))
      expect(new Set(await Promise.all(flood.map((client) => client.told)))).to.deep.equal(new Set(['no']))
      await Promise.all(flood.map((client) => client.close()))
    }
    over = true
    await again
    expect([new Set(told), told.length > 3, askedFor(other) - before]).to.deep.equal([new Set(['no']), true, 0])
    expect(playing.map((client) => client.closedAt())).to.deep.equal([0, 0])
    for (const user of [noisy, other]) expect((await running(server, user)).map(({ userAgent }) => userAgent)).to.deep.equal(['two'])
  })

  it('counts no publisher', async () => {
    const user = newUser()
    const server = servers.endOldest
    for (let n = 0; n < 3; n++) await open(server, 'rtmp', `user=${user}&max=1`, { action: 'publish', userAgent: `${n}` })
    await open(server, 'rtmp', `user=${user}&max=1`)
    await sleep(800)
    await count(server, user, 4)
  })

  describe('over HLS', () => {
    const device = (server: TestServer, userAgent: string): { get(target: string, method?: string): Promise<Fetched>, client: FileClient } => {
      const client = keep(fileClient(server.ports))
      return { client, get: (target, method = 'GET') => client.get(target, { method, headers: { 'user-agent': userAgent } }) }
    }
    for (const over of CARRIERS) {
      it(`ends the oldest device; its next requests get a 503 for a second, and then it hears why (${over})`, async () => {
        const user = newUser()
        const server = servers.endOldest
        const client = keep(fileClient(server.ports, { over }))
        const get = (userAgent: string, target: string) => client.get(target, { headers: { 'user-agent': userAgent } })
        const target = `${MOUNT}/live/a/720p/index.m3u8?user=${user}&max=1`
        expect((await get('one', target)).status).to.equal(200)
        expect((await get('two', target)).status).to.equal(200)
        await count(server, user, 1)
        const soon = await get('one', target)
        expect([soon.status, soon.headers['retry-after']]).to.deep.equal([503, '1'])
        expect((await get('one', `${MOUNT}/live/a/720p/1.ts?user=${user}&max=1`)).status).to.equal(503)
        await sleep(1000)
        const later = await get('one', target)
        expect([later.status, later.text]).to.deep.equal([403, `${WATCHED}\n`])
        expect((await get('two', `${MOUNT}/live/a/720p/1.ts?user=${user}&max=1`)).status).to.equal(200)
      })
    }

    it('takes no place for HEAD, nor for what is not there', async () => {
      const user = newUser()
      const server = servers.denyNew
      const [one, two] = [device(server, 'one'), device(server, 'two')]
      const query = `?user=${user}&max=1`
      expect((await one.get(`${MOUNT}/live/a/720p/index.m3u8${query}`, 'HEAD')).status).to.equal(200)
      expect((await one.get(`${MOUNT}/live/a/720p/none.m3u8${query}`)).status).to.equal(404)
      expect((await two.get(`${MOUNT}/live/a/720p/index.m3u8${query}`)).status).to.equal(200)
      const refused = await one.get(`${MOUNT}/live/a/720p/index.m3u8${query}`)
      expect([refused.status, refused.text]).to.deep.equal([403, `${WATCHED}\n`])
    })

    it('serves no byte without a place, whatever the mixture of conditions, ranges and HEAD', async () => {
      const user = newUser()
      const server = servers.denyNew
      const [one, two] = [device(server, 'one'), device(server, 'two')]
      const target = `${MOUNT}/live/a/whole.mp4?user=${user}&max=1`
      const { headers } = await one.get(target)
      for (const more of [{}, { range: 'bytes=0-9' }, { 'if-none-match': String(headers['etag']) }, { 'if-modified-since': String(headers['last-modified']) }, { range: 'bytes=0-9', 'if-range': String(headers['etag']) }]) {
        expect((await two.get(target, 'HEAD')).status).to.be.oneOf([200, 403])
        const got = await two.client.get(target, { headers: { 'user-agent': 'two', ...more } })
        expect([got.status, got.text], JSON.stringify(more)).to.deep.equal([403, `${WATCHED}\n`])
      }
    })

    it('is one place for a master, its variants and a token that is refreshed', async () => {
      const user = newUser()
      const server = servers.denyNew
      const { get } = device(server, 'one')
      for (const fresh of ['1', '2']) {
        const query = `?user=${user}&max=1&fresh=${fresh}`
        for (const path of ['index.m3u8', '720p/index.m3u8', '720p/0.ts', 'audio/index.m3u8']) expect((await get(`${MOUNT}/live/a/${path}${query}`)).status, path).to.equal(200)
      }
    })

    for (const whenFull of POLICIES) {
      it(`lets a player zap every second, also A-B-A-B on one link, and a late segment of the old channel ends nobody (${whenFull})`, async () => {
        const user = newUser()
        const server = servers[whenFull]
        const { get } = device(server, 'tv')
        const query = (n: number): string => `?user=${user}&max=1${n % 8 < 4 ? '' : `&fresh=${n}`}`
        for (let n = 0; n < 12; n++) {
          const [now, before] = n % 2 === 0 ? ['a', 'b'] : ['b', 'a']
          expect((await get(`${MOUNT}/live/${now}/720p/index.m3u8${query(n)}`)).status, `zap ${n}`).to.equal(200)
          expect((await get(`${MOUNT}/live/${now}/720p/0.ts${query(n)}`)).status, `zap ${n}`).to.equal(200)
          await sleep(1600)
          if (n > 0) await get(`${MOUNT}/live/${before}/720p/2.ts${query(n - 1)}`)
          expect((await get(`${MOUNT}/live/${now}/720p/1.ts${query(n)}`)).status, `after zap ${n}`).to.equal(200)
        }
      })
    }
  })
})
