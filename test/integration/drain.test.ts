import { expect } from 'chai'
import { request } from 'undici'
import { ADMIN, adminOf } from '../support/admin.js'
import { openClient, type AnyClient, type Speech } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import type { TestServer } from '../support/server.js'
import { atMost, sleep, until } from '../support/waiting.js'
import { withBackend } from '../support/with-server.js'

const VIEWERS = 200

describe('a server that drains', function () {
  this.timeout(90_000)
  const { keep, start: startServer } = withBackend()

  const start = (): Promise<TestServer> => startServer({ options: { admin: ADMIN, drainMs: 60_000, maxHeldPerIp: 0, log: 'outages' } })
  const open = async ({ ports }: TestServer, speech: Speech, action: 'play' | 'publish', token = '123'): Promise<AnyClient> =>
    keep(await openClient({ ports, speech, action, streamPath: '/live/s', query: `token=${token}` }))

  it(`sends newcomers away while ${VIEWERS} viewers go on, and ends with the last of them`, async () => {
    const server = await start()
    const admin = await adminOf(server)
    const publisher = await open(server, 'rtmp', 'publish')
    keep(keepPublishing(publisher))
    const viewers = await atMost(20, Array.from({ length: VIEWERS }, (_, index) => () => open(server, index % 2 === 0 ? 'rtmp' : 'http-flv', 'play')))
    await Promise.all(viewers.map((viewer) => viewer.waitForMedia(1)))
    expect(await admin.status('ready')).to.equal(200)
    await server.evaluate(({ auth, state }) => { state['drained'] = auth?.drain().then(() => { state['over'] = true }) })
    expect(await admin.status('ready')).to.equal(503)
    expect(await admin.status('health')).to.equal(200)
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${server.ports.http}/live/s.flv?token=123`)
    expect([statusCode, headers['retry-after'], await body.text()]).to.deep.equal([503, '5', 'this server is being stopped, try again later\n'])
    expect(await (await open(server, 'rtmp', 'play')).told).to.equal('no')
    expect(await (await open(server, 'rtmp', 'publish')).told).to.equal('no')
    const before = viewers.map((viewer) => viewer.mediaBytes())
    await sleep(1000)
    expect(viewers.filter((viewer, index) => viewer.closedAt() !== 0 || viewer.mediaBytes() <= (before[index] ?? 0)), 'nobody is cut').to.deep.equal([])
    expect(await server.evaluate(({ state }) => state['over'] ?? false)).to.equal(false)
    await Promise.all([...viewers, publisher].map((client) => client.close()))
    await server.waitFor(({ state }) => state['over'])
    await until(async () => await admin.status('health').catch(() => 0) === 0, 'the admin server has ended, too')
  })

  it('ends those who still are in when their time is over', async () => {
    const server = await start()
    const publisher = await open(server, 'rtmp', 'publish')
    keep(keepPublishing(publisher))
    const viewer = await open(server, 'http-flv', 'play')
    await viewer.waitForMedia(1)
    await server.evaluate(async ({ auth }) => { await auth?.drain(200) })
    await Promise.all([viewer.closed, publisher.closed])
    expect((await server.sessions()).filter(({ event }) => event === 'end').map(({ session }) => session.endReason)).to.deep.equal(['stopped', 'stopped'])
  })
})
