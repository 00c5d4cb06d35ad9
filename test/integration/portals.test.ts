import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Options } from '../../lib/options/options.js'
import { certificatePath } from '../support/certificates.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, pathOf, protocolOf, SPEECHES, speechesFor, type Speech } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { createFlussonic, createIptvPortal, createMinistra, createSmarty, type Portal } from '../support/portals.js'
import { startServer, type TestServer } from '../support/server.js'

const STREAM = '/live/s'
const RULES: Options['rules'] = [{ for: 'publish', protocol: 'rtmp', ip: '127.0.0.1', verdict: 'allow' }]

/** Opens a portal's port, and a server with the portal's preset and a live stream. */
const setup = async (keep: ReturnType<typeof cleanup>, portal: Portal<never>, options: Options, path = ''): Promise<TestServer> => {
  const { server: http } = portal
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  keep({ close: () => new Promise((resolve) => { http.close(resolve); http.closeAllConnections() }) })
  const scheme = 'setSecureContext' in http ? 'https' : 'http'
  const url = `${scheme}://127.0.0.1:${(http.address() as AddressInfo).port}${path}`
  const server = keep(await startServer({ options: { rules: RULES, ...options, url } }))
  const publisher = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: STREAM }))
  expect(await publisher.told).to.equal('yes')
  keep(keepPublishing(publisher))
  return server
}

/** What becomes of a player. */
const play = async (server: TestServer, speech: Speech, query: string, userAgent = 'viewer'): Promise<string> => {
  const client = await openClient({ ports: server.ports, speech, action: 'play', streamPath: STREAM, query, userAgent })
  try {
    const told = await client.told
    if (told === 'yes') await client.waitForMedia(2000)
    else expect(client.mediaBytes()).to.equal(0)
    const { verdict } = (await server.verdicts()).at(-1)!
    expect(verdict.allowed).to.equal(told === 'yes')
    return `${told} by ${verdict.source}`
  } finally {
    await client.close()
  }
}

describe('a portal and its viewers, over every protocol of live streams', () => {
  describe('Ministra', () => {
    const keep = cleanup()
    // Stands still, so that no slow machine lets a token expire.
    const clock = { time: 0, now: () => clock.time }
    const portal = createMinistra({ now: clock.now })
    let server: TestServer
    before(async () => { server = await setup(keep, portal, { preset: 'ministra', defaultAction: 'allow' }) })
    after(() => keep.run())
    afterEach(() => portal.setBroken(false))

    for (const speech of SPEECHES) {
      it(`lets in by ${speech}, once asked, for as long as X-AuthDuration says; a newcomer with the old token not`, async () => {
        const token = portal.newToken({ userId: 'ann-7' })
        const before = portal.checks.length
        expect(await play(server, speech, token)).to.equal('yes by backend')
        const { request, verdict } = (await server.verdicts()).at(-1)!
        expect(request).to.include({ protocol: protocolOf(speech), streamPath: STREAM })
        expect(verdict).to.include({ userId: 'ann-7', validForMs: 36_000_000 })
        expect(portal.checks.slice(before).map(({ headers }) => [headers['x-real-path'], headers['x-session-id'], headers['x-real-ua']]))
          .to.deep.equal([[pathOf(speech, STREAM), request.sessionId, 'viewer']])
        clock.time += 5000
        expect(await play(server, speech, token)).to.equal('yes by remembered')
        expect((await server.verdicts()).at(-1)!.request.sessionId).not.to.equal(request.sessionId)
        expect(portal.checks.length - before).to.equal(1)
        expect(await play(server, speech, token, 'newcomer')).to.equal('no by backend')
      })
    }
    for (const speech of SPEECHES) {
      it(`whose session by ${speech} was closed by the operator is asked for anew`, async () => {
        const token = portal.newToken({})
        const ask = { ports: server.ports, speech, action: 'play', streamPath: STREAM, query: token, userAgent: 'viewer' } as const
        const client = keep(await openClient(ask))
        expect(await client.told).to.equal('yes')
        const { request } = (await server.verdicts()).at(-1)!
        clock.time += 5000
        expect(await play(server, speech, token)).to.equal('yes by remembered')
        await server.evaluate(({ look }, id: string) => look.end(id), request.sessionId)
        await client.closed
        expect(await play(server, speech, token)).to.equal('no by backend')
      })
    }
    for (const speech of ['rtmp', 'http-flv', 'ws-flv'] as const) {
      it(`a script that dies and says 200 lets nobody in by ${speech}, and is told in the log`, async () => {
        const token = portal.newToken({})
        expect(await play(server, speech, `${token}&token[]=1`)).to.equal('no by backend')
        expect(await play(server, speech, 'token[]=1')).to.equal('no by backend')
        portal.setBroken(true)
        expect(await play(server, speech, token)).to.equal('no by backend')
        expect((await server.verdicts()).at(-1)!.verdict).to.include({ reason: 'the backend answered status 200 without the header X-UserId', status: 200 })
        expect(server.log()).to.match(/\[http-auth\] fault of the backend: status 200 without the header X-UserId/)
        portal.setBroken(false)
        expect(await play(server, speech, token)).to.equal('yes by backend')
        expect(await server.outages()).to.deep.equal([])
      })
    }
    it('of two tokens the last counts, as it does for the portal', async () => {
      const token = portal.newToken({})
      expect(await play(server, 'http-flv', `token=wrong&${token}`)).to.equal('yes by backend')
      expect(await play(server, 'http-flv', `${token}&token=wrong`)).to.equal('no by backend')
    })
    for (const speech of speechesFor('publish').filter((each) => each !== 'rtmp')) {
      it(`refuses a publisher by ${speech}, whom no rule lets in, and does not ask`, async () => {
        const asked = portal.checks.length
        const client = keep(await openClient({ ports: server.ports, speech, action: 'publish', streamPath: '/live/p', query: portal.newToken({}) }))
        expect(await client.told).to.equal('no')
        expect((await server.verdicts()).at(-1)!.verdict).to.include({
          source: 'rule', reason: 'Ministra knows viewers, not publishers: a rule or a publish section must let them in'
        })
        expect(portal.checks.length).to.equal(asked)
      })
    }
  })

  describe('Smarty', () => {
    const keep = cleanup()
    const portal = createSmarty({ checkIp: true })
    let server: TestServer
    before(async () => { server = await setup(keep, portal, { preset: 'smarty', defaultAction: 'allow' }) })
    after(() => keep.run())

    for (const speech of SPEECHES) {
      it(`lets in by ${speech}, and its denials that say 200 deny`, async () => {
        expect(await play(server, speech, portal.newToken({ name: 's' }))).to.equal('yes by backend')
        expect(portal.checks.at(-1)?.url).to.match(/\/token\/check\/\?name=s&ip=127\.0\.0\.1&token=\w+$/)
        for (const [error, query] of [[1, 'token=wrong'], [2, portal.newToken({ name: 't' })], [3, portal.newToken({ name: 's', ip: '203.0.113.7' })]] as const) {
          expect(await play(server, speech, query), `${error}`).to.equal('no by backend')
          expect((await server.verdicts()).at(-1)!.verdict).to.include({ status: 200, reason: `denied by the backend with error ${error}` })
        }
      })
    }
    for (const spelling of ['name=t', 'NAME=t', 'n%61me=t', '+name=t', 'name[]=t', 'name%00=t', 'x;name=t']) {
      it(`a viewer cannot open s with a token for t and ${spelling}`, async () => {
        const token = portal.newToken({ name: 't' })
        expect(await play(server, 'http-flv', `${token}&${spelling}`)).to.equal('no by backend')
        expect(await play(server, 'http-flv', `${spelling}&${token}`)).to.equal('no by backend')
      })
    }
    it('nor with a token for another address and that address', async () => {
      expect(await play(server, 'http-flv', `${portal.newToken({ name: 's', ip: '203.0.113.7' })}&ip=203.0.113.7`)).to.equal('no by backend')
    })
  })

  describe('a backend for Flussonic', () => {
    const keep = cleanup()
    const portal = createFlussonic({ maxSessions: 100 })
    let server: TestServer
    before(async () => { server = await setup(keep, portal, { preset: 'flussonic', defaultAction: 'allow' }, '/auth') })
    after(() => keep.run())

    for (const speech of SPEECHES) {
      it(`is asked in its words for ${speech}`, async () => {
        const token = portal.newToken({})
        expect(await play(server, speech, token)).to.equal('yes by backend')
        const proto = speech.startsWith('rtmp') ? 'rtmp' : 'flv'
        expect(portal.checks.at(-1)?.url).to.match(new RegExp(`^/auth\\?name=live%2Fs&ip=127\\.0\\.0\\.1&proto=${proto}&session_id=\\w+&request_type=new_session&request_number=0&${token}$`))
        expect(portal.checks.at(-1)?.url).to.include(`session_id=${String(portal.checks.at(-1)?.headers['x-session-id'])}`)
        expect(await play(server, speech, portal.newToken({ name: 'live/t' }))).to.equal('no by backend')
        expect(await play(server, speech, `name=live/s&${portal.newToken({ name: 'live/t' })}`)).to.equal('no by backend')
      })
    }
  })

  describe('IPTVPORTAL', () => {
    const keep = cleanup()
    const tls = { key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath('server.pem')) }
    const portal = createIptvPortal({ tls })
    let server: TestServer
    before(async () => { server = await setup(keep, portal, { preset: 'iptvportal', tls: { ca: certificatePath('ca.pem') } }) })
    after(() => keep.run())

    for (const speech of SPEECHES) {
      it(`gets the query of ${speech} byte for byte, and the exact path, over TLS`, async () => {
        const query = portal.newToken({ path: pathOf(speech, STREAM) })
        expect(await play(server, speech, query)).to.equal('yes by backend')
        expect(portal.checks.at(-1)?.url).to.equal(`/auth/arescrypt/?${query}`)
        expect(await play(server, speech, portal.newToken({ path: `${STREAM}x` }))).to.equal('no by backend')
      })
    }
  })
})
