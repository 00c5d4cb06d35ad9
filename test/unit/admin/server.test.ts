import { expect } from 'chai'
import { request as httpRequest, type ClientRequest } from 'node:http'
import { connect } from 'node:net'
import { allow, deny } from '../../../lib/access/verdict.js'
import { HttpAuthError } from '../../../lib/errors.js'
import type { Decision } from '../../../lib/observe/hub.js'
import { requestOf } from '../policy/support.js'
import { sleep, until } from '../../support/waiting.js'
import { behindOf, sessionOf, startTestAdmin, TOKEN, type TestAdmin } from './support.js'

const decisionOf = (more: Parameters<typeof requestOf>[0], verdict = deny('backend', 'status 403'), at = 1): Decision => ({ at, request: requestOf(more), verdict })

describe('the admin server', () => {
  const running: TestAdmin[] = []
  const start = async (...args: Parameters<typeof startTestAdmin>): Promise<TestAdmin> => {
    const admin = await startTestAdmin(...args)
    running.push(admin)
    return admin
  }
  afterEach(async () => { await Promise.all(running.splice(0).map(({ server }) => server.close())) })

  describe('lets nobody in', () => {
    const OPEN = ['/', '/page.js', '/page.css', '/health', '/ready']
    const LOCKED = ['/api/sessions', '/api/verdicts', '/api/status', '/api/events', '/metrics', '/api/nothing', '/nothing', '/..%2fpage.js']

    it('without the token, but to the page and to its health', async () => {
      const { ask } = await start(behindOf())
      for (const path of OPEN) expect((await ask(path, { token: '' })).status, path).to.equal(200)
      for (const path of LOCKED) expect((await ask(path, { token: '' })).status, path).to.equal(401)
      for (const [method, path] of [['DELETE', '/api/sessions/s1'], ['POST', '/api/reload'], ['DELETE', '/api/users/u/sessions']] as const) {
        expect((await ask(path, { method, token: '' })).status, path).to.equal(401)
      }
    })
    it('with a wrong token, or the right one in another place', async () => {
      const behind = behindOf()
      const { ask } = await start(behind)
      for (const token of ['x', `${TOKEN}x`, TOKEN.slice(0, -1), TOKEN.toUpperCase()]) expect((await ask('/api/status', { token })).status, token).to.equal(401)
      expect((await ask(`/api/status?token=${TOKEN}&access_token=${TOKEN}`, { token: '' })).status).to.equal(401)
      for (const headers of [{ authorization: `Basic ${TOKEN}` }, { authorization: TOKEN }, { cookie: `token=${TOKEN}` }, { 'x-token': TOKEN }] as Record<string, string>[]) {
        expect((await ask('/api/status', { token: '', headers })).status, JSON.stringify(headers)).to.equal(401)
      }
      expect((await ask('/api/sessions/s1', { method: 'DELETE', token: 'wrong-but-long-enough' })).status).to.equal(401)
      expect(behind.ended).to.deep.equal([])
    })
    it('under a name that is not its own, as by DNS rebinding', async () => {
      const { ask } = await start(behindOf(), { hosts: ['ops.example.com'], metricsOpen: true })
      for (const host of ['evil.example.com', 'localhost.evil.com', '127.0.0.1.evil.com', '127.0.0.2', 'localhost:80:80', 'ops.example.com.']) {
        for (const path of ['/', '/api/status', '/metrics']) expect((await ask(path, { headers: { host } })).status, `${host} ${path}`).to.equal(421)
        expect((await ask('/health', { headers: { host } })).status, host).to.equal(200)
      }
      for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:9999', '[::1]', '[::1]:80', 'ops.example.com', 'OPS.example.com:443']) {
        expect((await ask('/api/status', { headers: { host } })).status, host).to.equal(200)
      }
    })
    it('from a page of another origin: no answer can be read or framed there', async () => {
      const { ask } = await start(behindOf())
      for (const path of ['/', '/api/status', '/nothing']) {
        const { headers } = await ask(path, { headers: { origin: 'https://evil.example.com' } })
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).to.deep.equal([])
        expect(headers['content-security-policy']).to.equal('default-src \'none\'; script-src \'self\'; style-src \'self\'; connect-src \'self\'; frame-ancestors \'none\'; base-uri \'none\'; form-action \'none\'')
        expect(headers).to.include({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
      }
      expect((await ask('/api/status', { method: 'OPTIONS', token: '', headers: { origin: 'https://evil.example.com' } })).status).to.equal(401)
    })
    it('to the metrics without the token unless they are open', async () => {
      expect((await (await start(behindOf())).ask('/metrics', { token: '' })).status).to.equal(401)
      expect(await (await start(behindOf(), { metricsOpen: true })).ask('/metrics', { token: '' })).to.include({ status: 200, body: 'nms_http_auth_held 0\n' })
    })
  })

  it('is not held up by clients that are slow, or send too much', async () => {
    const { port, ask } = await start(behindOf())
    const slow = Array.from({ length: 50 }, () => connect(port, '127.0.0.1').on('error', () => undefined).resume())
    for (const socket of slow) socket.write('GET /api/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const flooded = connect(port, '127.0.0.1').on('error', () => undefined)
    let answer = ''
    flooded.setEncoding('utf8').on('data', (text: string) => { answer += text })
    flooded.write(`GET / HTTP/1.1\r\nHost: localhost\r\n${'X-Much: much\r\n'.repeat(2000)}\r\n`)
    expect((await ask('/api/status')).status).to.equal(200)
    await until(() => answer.startsWith('HTTP/1.1 431'), 'the flood is refused')
    await until(() => slow.every((socket) => socket.closed), 'the slow are cut', 15_000)
  })

  it('answers what is asked for wrongly', async () => {
    const { ask } = await start(behindOf())
    expect(await ask('/api/sessions', { method: 'POST' })).to.deep.include({ status: 405, body: '{"error":"only GET"}' })
    expect((await ask('/', { method: 'POST' })).status).to.equal(405)
    for (const path of ['/api', '/api/', '/api//', '/api/sessions/', '/api/users/u', '/api/sessions/a/b/c/d', '/api/%zz', '/%61pi/../x', '//api/status', '/API/status']) {
      expect((await ask(path, { method: 'DELETE' })).status, path).to.equal(404)
    }
    for (const query of ['limit=x', 'limit=-1', 'limit=1001', 'offset=1e3']) expect((await ask(`/api/sessions?${query}`)).status, query).to.equal(400)
  })

  describe('says who is in', () => {
    const sessions = [
      sessionOf('s1', { user: 'u1', nextCheckAt: 5000, ip: '192.0.2.1', streamPath: '/live/a' }, 1000), sessionOf('s2', { user: 'u2', ip: '192.0.2.2', streamPath: '/live/b' }, 2000),
      sessionOf('s3', { ip: '192.0.2.1', streamPath: '/tv/a' }, 3000)
    ]
    const ids = async (query: string): Promise<unknown> => {
      const { ask } = await start(behindOf({ sessions }))
      const { total, sessions: listed } = (await ask(`/api/sessions${query}`)).json() as { total: number, sessions: { id: string }[] }
      return [total, listed.map(({ id }) => id)]
    }
    for (const [query, expected] of [
      ['', ['s3', 's2', 's1']], ['?user=u1', ['s1']], ['?ip=192.0.2.1', ['s3', 's1']], ['?path=/tv', ['s3']], ['?protocol=hls', []],
      ['?action=play&ip=192.0.2.2', ['s2']], ['?q=u2', ['s2']], ['?q=/tv', ['s3']], ['?q=192.0.2', ['s3', 's2', 's1']], ['?user=', ['s3', 's2', 's1']]
    ] as const) {
      it(`filtered by ${query}`, async () => { expect(await ids(query)).to.deep.equal([expected.length, expected]) })
    }
    it('page by page', async () => {
      expect(await ids('?limit=1')).to.deep.equal([3, ['s3']])
      expect(await ids('?limit=2&offset=1')).to.deep.equal([3, ['s2', 's1']])
      expect(await ids('?offset=9')).to.deep.equal([3, []])
    })
    it('with all that is known of one', async () => {
      const { ask } = await start(behindOf({ sessions }))
      const { sessions: [session] } = (await ask('/api/sessions?user=u1')).json() as { sessions: object[] }
      expect(session).to.include({ id: 's1', user: 'u1', ip: '192.0.2.1', streamPath: '/live/a', protocol: 'rtmp', action: 'play', startedAt: '1970-01-01T00:00:01.000Z', nextCheckAt: '1970-01-01T00:00:05.000Z', inBytes: 1, outBytes: 2 })
    })
  })

  describe('says why', () => {
    it('somebody was refused, by address, user, session, stream and token, and shows no token', async () => {
      const { ask, server } = await start(behindOf())
      server.verdict?.(decisionOf({ sessionId: 's1', ip: '192.0.2.1', query: 'token=geheim%20x&a=1', streamPath: '/live/a' }, { ...deny('backend', 'status 403'), status: 403, userId: 'u1' }))
      server.verdict?.(decisionOf({ sessionId: 's2', ip: '192.0.2.2', query: 'geheim', streamPath: '/live/b' }, allow('rule', 'allowed by rules[0]'), 2))
      const found = async (query: string): Promise<string[]> =>
        ((await ask(`/api/verdicts?${query}`)).json() as { verdicts: { session: string }[] }).verdicts.map(({ session }) => session)
      expect(await found('')).to.deep.equal(['s2', 's1'])
      for (const query of ['q=192.0.2.1', 'q=u1', 'q=s1', 'q=/live/a', 'q=geheim%20x', 'q=geheim%2520x', 'ip=192.0.2.1', 'allowed=false', 'source=backend', 'user=u1', 'session=s1']) {
        expect(await found(query), query).to.deep.equal(['s1'])
      }
      expect(await found('q=geheim'), 'a token is found whole').to.deep.equal(['s2'])
      expect((await ask('/api/verdicts')).body).not.to.include('geheim')
      const { verdicts: [verdict] } = (await ask('/api/verdicts?q=u1')).json() as { verdicts: { explanation: string }[] }
      expect(verdict).to.include({ allowed: false, source: 'backend', code: 'backend-deny', reason: 'status 403', status: 403, query: 'token=***&a=***', explanation: 'The backend refused with status 403. To see why, run "nms-http-auth check" with the URL of this client: it sends the same request.' })
    })
    it('of the newest 5,000', async () => {
      const { ask, server } = await start(behindOf())
      for (let n = 0; n < 5100; n++) server.verdict?.(decisionOf({ sessionId: `s${n}` }))
      const { total, verdicts } = (await ask('/api/verdicts?limit=1')).json() as { total: number, verdicts: { session: string }[] }
      expect([total, verdicts[0]?.session]).to.deep.equal([5000, 's5099'])
      expect((await ask('/api/verdicts?session=s99')).json()).to.include({ total: 0 })
      expect((await ask('/api/verdicts?session=s100')).json()).to.include({ total: 1 })
    })
    it('a session has ended', async () => {
      const { ask, server } = await start(behindOf())
      server.end?.(sessionOf('s1', { user: 'u1' }, 1000).record(), { at: 3000, inBytes: 0, outBytes: 5, reason: 'limit' })
      const { ends: [end] } = (await ask('/api/verdicts?q=u1')).json() as { ends: object[] }
      expect(end).to.include({ id: 's1', user: 'u1', reason: 'limit', durationMs: 2000, time: '1970-01-01T00:00:03.000Z' })
    })
  })

  it('says how all is', async () => {
    const { ask } = await start(behindOf({ outage: () => ({ since: 1000, reason: 'connection refused' }) }))
    expect((await ask('/api/status')).json()).to.deep.include({
      version: '0.1.0', nodeMediaServer: '4.4.3', ready: true, outage: { since: '1970-01-01T00:00:01.000Z', reason: 'connection refused' },
      backends: [{ at: '127.0.0.1:6000', up: true, breakerOpen: false, answers: 1, waiting: 0, latencyMs: 12 }], settings: ['players: asks http://127.0.0.1:6000/']
    })
  })

  it('ends sessions, whatever is in an id', async () => {
    const behind = behindOf()
    const { ask } = await start(behind)
    const id = '<img src=x onerror=alert(1)>/../s?#%00'
    expect(await ask(`/api/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })).to.include({ status: 200, body: '{"ended":1}' })
    expect((await ask('/api/users/a%2Fb/sessions?barMs=5000', { method: 'DELETE' })).status).to.equal(200)
    expect((await ask('/api/sessions/missing', { method: 'DELETE' })).status).to.equal(404)
    expect((await ask('/api/sessions/s?barMs=x', { method: 'DELETE' })).status).to.equal(400)
    expect(behind.ended).to.deep.equal([[{ id }, 0], [{ user: 'a/b' }, 5000], [{ id: 'missing' }, 0]])
  })

  it('reloads, and says what is wrong', async () => {
    let wrong = false
    const { ask } = await start(behindOf({ reload: () => wrong ? Promise.reject(new HttpAuthError('ERR_OPTIONS', 'httpAuth.url: is required')) : Promise.resolve() }))
    expect((await ask('/api/reload', { method: 'POST' })).status).to.equal(200)
    wrong = true
    expect(await ask('/api/reload', { method: 'POST' })).to.include({ status: 422, body: '{"error":"httpAuth.url: is required"}' })
  })

  it('is ready until it drains, and healthy all the time', async () => {
    let ready = true
    const { ask } = await start(behindOf({ ready: () => ready }))
    expect((await ask('/ready', { token: '' })).status).to.equal(200)
    ready = false
    const { status, headers } = await ask('/ready', { token: '' })
    expect([status, headers['retry-after']]).to.deep.equal([503, '5'])
    expect((await ask('/health', { token: '' })).status).to.equal(200)
  })

  it('survives what fails behind it, and says so in the log alone', async () => {
    const { ask, errors } = await start(behindOf({ metrics: () => Promise.reject(new Error('secret detail')) }))
    const { status, body } = await ask('/metrics')
    expect(status).to.equal(500)
    expect(body).not.to.include('secret detail')
    expect(errors).to.have.lengthOf(1)
  })

  describe('streams events', () => {
    const streams: ClientRequest[] = []
    afterEach(() => { for (const stream of streams.splice(0)) stream.destroy() })
    const open = async ({ port }: TestAdmin, read = true): Promise<{ status: number, text: () => string, closed: () => boolean, resume: () => void }> => {
      let text = ''
      let closed = false
      let resume = (): void => undefined
      const status = await new Promise<number>((resolve, reject) => {
        const req = httpRequest({ port, host: '127.0.0.1', path: '/api/events', agent: false, headers: { authorization: `Bearer ${TOKEN}` } }, (res) => {
          if (read) res.setEncoding('utf8').on('data', (more: string) => { text += more })
          resume = () => { res.resume() }
          res.on('close', () => { closed = true }).on('error', () => undefined)
          resolve(res.statusCode ?? 0)
        }).on('error', reject)
        req.on('close', () => { closed = true })
        streams.push(req.on('error', () => undefined))
        req.end()
      })
      return { status, text: () => text, closed: () => closed, resume: () => resume() }
    }

    it('of verdicts, starts, ends and outages', async () => {
      const admin = await start(behindOf())
      const { text } = await open(admin)
      await until(() => text().includes('watching'), 'it is open')
      admin.server.verdict?.(decisionOf({ query: 'token=geheim' }))
      const session = sessionOf('s1', { user: 'u\n\nevent: forged' }).record()
      admin.server.start?.(session)
      admin.server.end?.(session, { at: 1, inBytes: 0, outBytes: 0, reason: 'left' })
      admin.server.outage?.({ state: 'begin', reason: 'refused', requests: 1 })
      await until(() => text().includes('outage'), 'all are told')
      expect([...text().matchAll(/^event: (\w+)$/gm)].map(([, name]) => name)).to.deep.equal(['verdict', 'start', 'end', 'outage'])
      expect(text()).not.to.include('geheim')
    })
    it('to 32 at most, and to another once one has left', async () => {
      const admin = await start(behindOf())
      for (let n = 0; n < 32; n++) expect((await open(admin)).status).to.equal(200)
      expect((await open(admin)).status).to.equal(503)
      streams[0]?.destroy()
      await until(async () => (await open(admin)).status === 200, 'there is room again')
    })
    it('and cuts who does not read them', async () => {
      const admin = await start(behindOf())
      const stuck = await open(admin, false)
      const reader = await open(admin)
      const verdict = decisionOf({ userAgent: 'x'.repeat(1000) })
      // Both sockets and their buffers in between hold some megabytes.
      for (let round = 0; round < 100; round++) {
        for (let n = 0; n < 200; n++) admin.server.verdict?.(verdict)
        await sleep(5)
      }
      stuck.resume()
      await until(() => stuck.closed(), 'who does not read is cut')
      expect(reader.closed()).to.equal(false)
    })
  })
})
