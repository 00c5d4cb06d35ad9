import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import type { CheckDocument } from '../../../lib/check/document.js'
import { checkText } from '../../../lib/check/text.js'
import { shellWord } from '../../../lib/check/curl.js'
import { exitStatusOf, inspect, type Wish } from '../../../lib/check/inspect.js'
import { HttpAuthError, Misuse } from '../../../lib/errors.js'
import { certificatePath } from '../../support/certificates.js'
import { cleanup, forbidden, ok, rawBackend, type Answer, type RawBackend } from '../backend/raw-backend.js'

const run = promisify(execFile)
const answers = (text: string): Answer => (socket) => { socket.write(text) }

describe('check', () => {
  const keep = cleanup()
  let dir = ''
  before(async () => { dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-')) })
  after(() => rm(dir, { recursive: true }))
  afterEach(() => keep.run())

  const configOf = async (httpAuth: unknown, text = JSON.stringify({ rtmp: { port: 1935 }, httpAuth })): Promise<string> => {
    const file = join(dir, 'config.json')
    await writeFile(file, text)
    return file
  }
  const backendThat = async (answer: Answer | string): Promise<RawBackend> =>
    keep(await rawBackend(typeof answer === 'string' ? answers(answer) : answer))
  const check = async (
    httpAuth: unknown, url: string | undefined = 'rtmp://live.example.com/live/s?token=123', wish: Partial<Wish> = {}, secretsShown = false
  ): Promise<CheckDocument> =>
    inspect({ url, config: await configOf(httpAuth), publish: false, ip: '203.0.113.7', userAgent: 'LNX 9,0,124,2', ...wish }, secretsShown)

  describe('asks for the client that would open the URL', () => {
    for (const [url, wish, seen] of [
      ['rtmp://live.example.com/live/s?token=123', {}, { protocol: 'rtmp', path: '/live/s', origin: 'rtmp://live.example.com', query: 'token=123', streamPath: '/live/s' }],
      ['rtmps://[2001:db8::1]:1936/live/s', { ip: '2001:DB8:0::7' }, { protocol: 'rtmps', ip: '2001:db8::7', path: '/live/s', origin: 'rtmps://[2001:db8::1]:1936', query: '' }],
      ['RTMP://live.example.com/live/s?a=1?b', { publish: true }, { protocol: 'rtmp', action: 'publish', path: '/live/s', query: 'a=1?b' }],
      ['http://user:secret@live.example.com:8000/live/s.flv?token=a%20b', {}, { protocol: 'http-flv', path: '/live/s.flv', origin: 'http://live.example.com:8000', query: 'token=a%20b' }],
      ['https://live.example.com/live/s.flv', { publish: true, ip: '::ffff:203.0.113.9' }, { protocol: 'https-flv', action: 'publish', ip: '203.0.113.9', origin: 'https://live.example.com' }],
      ['ws://live.example.com/live/s', {}, { protocol: 'ws-flv', path: '/live/s', origin: 'ws://live.example.com' }],
      ['wss://live.example.com/live/s.flv?x', { userAgent: 'Größe' }, { protocol: 'wss-flv', path: '/live/s.flv', origin: 'wss://live.example.com', query: 'x', userAgent: 'Größe' }]
    ] as const) {
      it(url, async () => {
        const backend = await backendThat(ok)
        const { accessRequest, verdict } = await check({ url: backend.url }, url, wish, true)
        expect(accessRequest).to.include({ action: 'play', ...seen })
        expect(verdict).to.include({ allowed: true, source: 'backend', status: 200 })
      })
    }

    for (const url of [
      'rtmp://live.example.com/live', 'rtmp://live.example.com/a/b/s', 'rtmp://live.example.com/live/a b', 'rtmp://live.example.com/',
      'http://live.example.com/live/%73.flv', 'http://live.example.com/live/s.flv?a#b', 'http://live.example.com//live/s.flv',
      'ws://live.example.com/live/s.mp4', 'wss://live.example.com/'
    ]) {
      it(`${url}, which is malformed, asks nobody`, async () => {
        const backend = await backendThat(ok)
        const { verdict, questions, exitStatus } = await check({ url: backend.url, defaultAction: 'allow' }, url)
        expect(verdict).to.include({ allowed: false, source: 'malformed' })
        expect(exitStatus).to.equal(1)
        expect(questions).to.have.length(0)
        expect(backend.requests).to.have.length(0)
      })
    }

    it('refuses what a client cannot open or what leads to no stream', async () => {
      for (const [url, wish] of [
        ['live.example.com/live/s', {}], ['srt://live.example.com/live/s', {}], ['rtmp:///live/s', {}], ['http://live.example.com/index.html', {}],
        ['http://live.example.com/live/a b.flv', {}], ['rtmp://live.example.com/live/s', { ip: 'localhost' }]
      ] as const) {
        expect(await check({ url: 'http://127.0.0.1:9' }, url, wish).catch((error: unknown) => error), url).to.be.instanceOf(Misuse)
      }
    })
  })

  describe('asks for the viewer of a file below the static route', () => {
    const files = async (url: string, own: object = {}, wish: Partial<Wish> = {}): Promise<CheckDocument> => {
      const backend = await backendThat(ok)
      const config = await configOf(undefined, JSON.stringify({ static: { router: '/static', root: join(dir, 'root') }, httpAuth: { url: backend.url, ...own } }))
      const document = await inspect({ url, config, publish: false, ip: '203.0.113.7', userAgent: 'hls.js', ...wish }, true)
      expect(backend.requests).to.have.length(document.verdict?.source === 'backend' ? 1 : 0)
      return document
    }
    before(async () => {
      await mkdir(join(dir, 'root'))
      await writeFile(join(dir, 'root', 'recorded.flv'), '')
    })

    for (const [url, seen, own] of [
      ['https://live.example.com/static/live/s/index.m3u8?token=1', { protocol: 'hls', path: '/static/live/s/index.m3u8', streamPath: '/live/s', origin: 'https://live.example.com', query: 'token=1' }],
      ['http://live.example.com/STATIC/live/s/%31.ts', { protocol: 'hls', path: '/static/live/s/1.ts', streamPath: '/live/s' }],
      ['https://live.example.com/static/live/s/index.mpd?token=1', { protocol: 'dash', path: '/static/live/s/index.mpd', streamPath: '/live/s', query: 'token=1' }],
      ['http://live.example.com/static/a/b/c/index.m3u8', { protocol: 'hls', streamPath: '/a/b/c' }],
      ['http://live.example.com/static/hls/live/s/index.m3u8', { protocol: 'hls', streamPath: '/live/s' }, { files: { stream: 'hls/{app}/{stream}' } }],
      ['http://live.example.com/static/movies/m.mp4', { protocol: 'file', path: '/static/movies/m.mp4' }],
      ['http://live.example.com/static/recorded.flv', { protocol: 'file', path: '/static/recorded.flv' }],
      ['http://live.example.com/static/missing.flv', { protocol: 'http-flv', path: '/static/missing.flv', streamPath: '/static/missing' }],
      ['http://live.example.com/live/s.flv', { protocol: 'http-flv', streamPath: '/live/s' }]
    ] as const) {
      it(url, async () => {
        const { accessRequest, verdict } = await files(url, own)
        expect(accessRequest).to.include({ action: 'play', ...seen })
        expect(verdict).to.include({ allowed: true, source: 'backend' })
      })
    }

    it('asks nobody for a page', async () => {
      for (const url of ['http://x/static/index.html', 'http://x/static/', 'http://x/static/live/s/player.js?token=1']) {
        const document = await files(url)
        expect(document.verdict, url).to.deep.include({ allowed: true, source: 'rule', reason: 'pages (files.open) are open to everybody' })
        expect(document.exitStatus).to.equal(0)
      }
      expect((await files('http://x/static/index.html', { files: { open: [] } })).verdict?.source).to.equal('backend')
    })

    it('refuses a path that is not plain', async () => {
      for (const path of ['/static/live//index.m3u8', '/static/live/%2e%2e/index.m3u8', '/static/a%2fb.ts', '/static/.hidden', '/static/a.ts%00']) {
        expect((await files(`http://x${path}`)).verdict, path).to.include({ allowed: false, source: 'malformed' })
      }
    })

    it('knows no publisher of files, and no file where none is served', async () => {
      expect(await files('http://x/static/live/s/index.m3u8', {}, { publish: true }).catch((error: unknown) => error)).to.be.instanceOf(Misuse)
      expect(await check({ url: 'http://127.0.0.1:9' }, 'http://x/static/live/s/index.m3u8').catch((error: unknown) => error)).to.be.instanceOf(Misuse)
    })

    it('refuses a static route with which the server would not start', async () => {
      const config = await configOf(undefined, JSON.stringify({ static: { router: '/:x', root: '.' }, httpAuth: { url: 'http://127.0.0.1:9' } }))
      const error: unknown = await inspect({ url: 'http://x/a/s.flv', config, publish: false, ip: '127.0.0.1', userAgent: '' }, false).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(HttpAuthError).with.property('code', 'ERR_HOST_UNSUPPORTED')
    })
  })

  it('prints the request byte for byte as the backend gets it, and a curl line that sends the same', async () => {
    const backend = await backendThat((socket) => { socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n') })
    const document = await check(
      { url: `${backend.url}/auth?service=a'b`, headers: { Authorization: 'Bearer "x" $HOME `id`', 'X-Name': 'Gr\u00c3\u00b6\u00df' }, params: { name: '{stream}', ip: '{ip}' } },
      'http://live.example.com/live/s.flv?token=a\'b"$(id)&x[]={1,2}&p=../..;&ü', { userAgent: "it's \u202e" }, true
    )
    const [question] = document.questions
    const { target, headers } = question!.request
    const lines = [`GET ${target} HTTP/1.1`, ...headers.filter(([name]) => name !== 'X-Name').map(([name, value]) => `${name}: ${Buffer.from(value, 'utf8').toString('latin1')}`)]
    const [sent = ''] = backend.requests
    expect(sent.split('\r\n').filter((line) => !line.startsWith('X-Name'))).to.deep.equal(lines)
    await run('bash', ['-c', question!.curl])
    const normal = (text: string): string[] => text.split('\r\n').map((line) => line.replace(/^[\w-]+:/, (name) => name.toLowerCase())).sort()
    expect(normal(backend.requests[1] ?? '')).to.deep.equal(normal(sent))
  })

  it('masks every token and secret unless it is told to show them', async () => {
    const backend = await backendThat(answers('HTTP/1.1 302 Found\r\nLocation: http://x/?token=hunter2\r\nContent-Length: 0\r\n\r\n'))
    const config = { url: `${backend.url}/?key=hunter2`, headers: { Authorization: 'hunter2' }, params: { pass: 'hunter2', mix: 'hunter2{ip}' } }
    const masked = await check(config, 'rtmp://live.example.com/live/s?token=hunter2&hunter2')
    expect(JSON.stringify(masked) + checkText(masked)).to.not.include('hunter2')
    expect(checkText(masked)).to.include('tokens are masked')
    const shown = await check(config, 'rtmp://live.example.com/live/s?token=hunter2&hunter2', {}, true)
    expect(shown.questions[0]?.curl).to.include('?key=hunter2&pass=hunter2&mix=hunter2203.0.113.7&token=hunter2&hunter2').and.include('Authorization: hunter2')
    expect(checkText(shown)).to.not.include('masked')
    expect(shown.secretsShown).to.equal(true)
  })

  const OUTCOMES: Record<string, { answer: Answer | string, exit: { allow: number, deny: number }, source: string }> = {
    200: { answer: ok, exit: { allow: 0, deny: 0 }, source: 'backend' },
    204: { answer: 'HTTP/1.1 204 No Content\r\n\r\n', exit: { allow: 1, deny: 1 }, source: 'backend' },
    302: { answer: 'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n', exit: { allow: 1, deny: 1 }, source: 'backend' },
    403: { answer: forbidden, exit: { allow: 1, deny: 1 }, source: 'backend' },
    500: { answer: 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n', exit: { allow: 1, deny: 1 }, source: 'backend' },
    garbage: { answer: 'hello\r\n\r\n', exit: { allow: 2, deny: 2 }, source: 'default' },
    reset: { answer: (socket) => socket.resetAndDestroy(), exit: { allow: 2, deny: 2 }, source: 'default' },
    silence: { answer: () => undefined, exit: { allow: 2, deny: 2 }, source: 'default' }
  }
  for (const [outcome, { answer, exit, source }] of Object.entries(OUTCOMES)) {
    for (const defaultAction of ['allow', 'deny'] as const) {
      it(`ends with status ${exit[defaultAction]} on ${outcome} when the default action is ${defaultAction}`, async () => {
        const backend = await backendThat(answer)
        const document = await check({ url: backend.url, defaultAction, timeoutMs: 300 })
        expect(document.exitStatus).to.equal(exit[defaultAction])
        expect(document.verdict?.source).to.equal(source)
        expect(document.verdict?.allowed).to.equal(source === 'default' ? defaultAction === 'allow' : exit.allow === 0)
        expect(document.unavailable).to.deep.equal(source === 'default' ? { reason: document.questions[0]?.failure, defaultAction } : null)
        if (source === 'default') {
          expect(document.questions[0]?.failure).to.be.a('string').that.includes(`127.0.0.1:${backend.port}`)
          expect(checkText(document)).to.include(`the default action is ${defaultAction}: clients would be ${defaultAction === 'allow' ? 'let in' : 'refused'}`)
        }
        expect(backend.requests).to.have.length(1)
      })
    }
  }

  it('tells how long each part took, and what did not happen', async () => {
    const backend = await backendThat((socket) => { setTimeout(() => socket.write(ok), 50) })
    const { questions: [question] } = await check({ url: `http://localhost:${backend.port}` })
    const { dns, connect, tls, firstByte, total } = question!.timesMs
    expect(tls).to.equal(null)
    for (const time of [dns, connect, firstByte, total]) expect(time).to.be.a('number').that.is.at.least(0)
    expect(firstByte).to.be.at.least(40)
    expect(total).to.be.at.least(firstByte!)
    expect(question!.peer).to.equal(`127.0.0.1:${backend.port}`)
  })

  describe('over TLS', () => {
    const secure = async () => {
      const server = createServer({ key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath('server.pem')) })
      return keep(await rawBackend(answers(ok), { server, event: 'secureConnection', scheme: 'https' }))
    }

    it('tells how long the handshake took, and names the file of the authority in the curl line', async () => {
      const backend = await secure()
      const { verdict, questions: [question] } = await check({ url: backend.url, tls: { ca: certificatePath('ca.pem') } }, undefined, {}, true)
      expect(verdict).to.include({ allowed: true, source: 'backend' })
      expect(question!.timesMs.tls).to.be.a('number').that.is.above(0)
      expect(question!.curl).to.include(`--cacert ${certificatePath('ca.pem')} `)
      const { stdout } = await run('bash', ['-c', question!.curl])
      expect(stdout).to.match(/^HTTP\/1\.1 200/)
    })

    it('tells that a certificate is not trusted', async () => {
      const backend = await secure()
      const { exitStatus, unavailable, questions: [question] } = await check({ url: backend.url })
      expect(exitStatus).to.equal(2)
      expect(unavailable?.reason).to.match(new RegExp(`^no TLS with 127\\.0\\.0\\.1:${backend.port}: [A-Z_]+; .*tls\\.ca$`))
      expect(question!.timesMs).to.include({ tls: null, firstByte: null })
      expect(backend.requests).to.have.length(0)
    })
  })

  it('tells that a backend refuses connections, and shows what would have been asked', async () => {
    const backend = await rawBackend(() => undefined)
    await backend.close()
    const document = await check({ url: backend.url })
    expect(document.unavailable?.reason).to.equal(`connection refused by 127.0.0.1:${backend.port}`)
    expect(document.questions[0]).to.include({ status: null, peer: null })
    expect(document.questions[0]?.request.target).to.equal('/?token=***')
    expect(document.questions[0]?.timesMs).to.include({ connect: null, firstByte: null, total: null })
  })

  it('tells what the answer says about the viewer, and which header is missing', async () => {
    const backend = await backendThat('HTTP/1.1 200 OK\r\nX-AuthDuration: 36000\r\nX-UserId: u1\r\nX-Other: no\r\nContent-Length: 0\r\n\r\n')
    const found = await check({ preset: 'ministra', url: backend.url })
    expect(found.verdict).to.include({ allowed: true, validForMs: 36_000_000, userId: 'u1' })
    expect(found.questions[0]?.headers).to.deep.equal({ 'x-userid': 'u1', 'x-authduration': '36000' })
    expect(found.questions[0]?.request.target).to.equal('/stalker_portal/server/api/chk_flussonic_tmp_link.php?token=***')
    const fatal = await backendThat('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfatal')
    const missing = await check({ preset: 'ministra', url: fatal.url })
    expect(missing).to.include({ exitStatus: 1 })
    expect(checkText(missing)).to.include('fault of the backend: status 200 without the header X-UserId')
  })

  it('names the rule that decided, and asks nobody', async () => {
    const backend = await backendThat(ok)
    const rules = [{ ip: '10.0.0.0/8', verdict: 'deny' }, { path: '/live/*', for: 'play', verdict: 'allow' }]
    const allowed = await check({ url: backend.url, rules })
    expect(allowed).to.include({ rule: 'rules[1]: allow for play path /live/*', exitStatus: 0 })
    expect(checkText(allowed)).to.include('rules[1]: allow for play path /live/*').and.include('the backend is not asked')
    const denied = await check({ url: backend.url, rules }, undefined, { ip: '10.1.2.3' })
    expect(denied).to.include({ rule: 'rules[0]: deny ip 10.0.0.0/8', exitStatus: 1 })
    const published = await check({ preset: 'smarty', url: backend.url, rules }, undefined, { publish: true })
    expect(published).to.include({ rule: null, exitStatus: 1 })
    expect(published.verdict?.reason).to.include('Smarty knows viewers, not publishers')
    const open = await check({ url: backend.url, actions: ['play'] }, undefined, { publish: true })
    expect(open.verdict).to.deep.include({ allowed: true, source: 'rule', reason: 'publish is open to everybody' })
    expect(backend.requests).to.have.length(0)
  })

  it('asks the publishers\' backend for a publisher', async () => {
    const [players, publishers] = [await backendThat(forbidden), await backendThat(ok)]
    const document = await check({ url: players.url, publish: { url: `${publishers.url}/p` } }, undefined, { publish: true })
    expect(document.exitStatus).to.equal(0)
    expect(document.questions[0]).to.deep.include({ for: ['publish'], status: 200 })
    expect(players.requests).to.have.length(0)
  })

  for (const strategy of ['failover', 'any'] as const) {
    it(`asks several backends by the strategy ${strategy}`, async () => {
      const [first, second] = [await backendThat((socket) => socket.destroy()), await backendThat(ok)]
      const { questions, exitStatus, unavailable } = await check({ url: [`${first.url}/1`, `${second.url}/2`], strategy })
      expect(exitStatus).to.equal(0)
      expect(unavailable).to.equal(null)
      expect(questions.map(({ url, status }) => [url, status])).to.deep.equal([[`${first.url}/1`, null], [`${second.url}/2`, 200]])
      if (strategy === 'failover') expect(questions[0]?.failure).to.include('closed')
    })
  }

  describe('warns', () => {
    const told = { params: { action: '{action}' } }

    it('of a slow answer', async () => {
      const backend = await backendThat((socket) => { setTimeout(() => socket.write(ok), 500) })
      expect((await check({ url: backend.url, timeoutMs: 900, ...told })).warnings.join()).to.match(/took \d+(\.\d+)? ms for its answer, more than half of timeoutMs \(900\)/)
      expect((await check({ url: backend.url, timeoutMs: 60_000, ...told })).warnings).to.deep.equal([])
    })

    it('of a certificate that is not checked', async () => {
      const server = createServer({ key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath('server.pem')) })
      const backend = keep(await rawBackend(answers(ok), { server, event: 'secureConnection', scheme: 'https' }))
      const { warnings, exitStatus } = await check({ url: backend.url, tls: { rejectUnauthorized: false }, ...told })
      expect(warnings.join()).to.include(`the certificate of ${backend.url}`).and.include('is not checked')
      expect(exitStatus).to.equal(0)
    })

    for (const [named, sent, fault] of [
      ['10.0.0.1', '203.0.113.7', true], ['203.0.113.7', '203.0.113.7', false], ['::ffff:203.0.113.7', '203.0.113.7', false],
      ['2001:DB8:0::7', '2001:db8::7', false], ['2001:db8::8', '2001:db8::7', true], ['unknown', '203.0.113.7', false]
    ] as const) {
      it(`${fault ? '' : 'not '}of an answer that names ${named} where ${sent} was sent`, async () => {
        const backend = await backendThat(`HTTP/1.1 200 OK\r\nX-Real-Ip: ${named}\r\nContent-Length: 0\r\n\r\n`)
        const document = await check({ url: backend.url, ...told }, undefined, { ip: sent })
        expect(document.faults).to.have.length(fault ? 1 : 0)
        expect(document.exitStatus).to.equal(0)
        if (fault) expect(checkText(document)).to.match(/FAULT .* names \S+ as the client's address, but \S+ was sent: a proxy in front of the backend replaces X-Real-Ip/)
      })
    }
  })

  for (const [source, allowed, exit] of [
    ['backend', true, 0], ['backend', false, 1], ['malformed', false, 1], ['rule', false, 1], ['unanswered', false, 2], ['overload', false, 2]
  ] as const) {
    it(`ends with status ${exit} on ${allowed ? 'an allow' : 'a denial'} by ${source}`, () => { expect(exitStatusOf({ source, allowed })).to.equal(exit) })
  }

  for (const url of ['rtmp://live.example.com/live', 'rtmps://live.example.com/live/', 'rtmp://live.example.com/live?token=1', 'rtmp://live.example.com']) {
    it(`says that ${url} lacks the name of a stream`, async () => {
      expect((await check({ url: 'http://127.0.0.1:9' }, url)).verdict).to.deep.include({ source: 'malformed', reason: 'the URL lacks the name of a stream; it is like rtmp://live.example.com/live/s' })
    })
  }

  describe('without a URL', () => {
    const all = async (httpAuth: unknown): Promise<CheckDocument> => inspect({ url: undefined, config: await configOf(httpAuth), publish: false, ip: '127.0.0.1', userAgent: 'x' }, false)

    it('takes any status for an answer, and asks a shared backend once', async () => {
      const backend = await backendThat(forbidden)
      const document = await all({ url: backend.url, rules: [{ verdict: 'deny' }] })
      expect(document).to.include({ exitStatus: 0, verdict: null, accessRequest: null })
      expect(document.questions.map(({ for: actions, status }) => [actions, status])).to.deep.equal([[['play', 'publish'], 403]])
      expect(backend.requests).to.have.length(1)
      expect(checkText(document)).to.include('the config is valid and the backend answers')
    })

    it('wonders about a backend that lets in whoever has no token', async () => {
      const backend = await backendThat(ok)
      expect(checkText(await all({ url: backend.url }))).to.include('without a token: does it let everybody in?')
      expect(checkText(await all({ url: backend.url, preset: 'ministra' }))).to.include('answers 200 without X-UserId')
      expect(checkText(await all({ url: backend.url, preset: 'smarty' }))).to.not.include('answers 200')
    })

    for (const [strategy, down, exitStatus] of [['failover', 1, 0], ['failover', 2, 2], ['any', 1, 2], ['any', 0, 0]] as const) {
      it(`ends with status ${exitStatus} if ${down} of two are down and the strategy is ${strategy}`, async () => {
        const backends = [0, 1].map((index) => backendThat(index < down ? (socket) => socket.destroy() : forbidden))
        const urls = (await Promise.all(backends)).map(({ url }) => url)
        const document = await all({ url: urls, strategy })
        expect(document.exitStatus).to.equal(exitStatus)
        expect(document.questions.filter(({ failure }) => failure !== null)).to.have.length(down)
      })
    }

    for (const [what, probe, says] of [
      ['is let in', answers(ok), /answers the probe with 200: whoever sends the same is let in/],
      ['has no answer', (socket) => { socket.end() }, /the probe has no answer: connection closed by/],
      ['is refused', answers(forbidden), undefined]
    ] as [string, Answer, RegExp | undefined][]) {
      it(`warns if the probe ${what}: ${says === undefined ? 'no' : 'yes'}`, async () => {
        const backend = keep(await rawBackend(answers(forbidden), { probe }))
        const { warnings, exitStatus } = await all({ url: backend.url, params: { action: '{action}' } })
        expect(exitStatus).to.equal(0)
        if (says === undefined) expect(warnings).to.deep.equal([])
        else expect(warnings.join()).to.match(says)
      })
    }
    it('warns if no probe is set where an outage lets somebody in', async () => {
      const backend = await backendThat(forbidden)
      const warningsOf = async (more: object): Promise<string> => (await all({ url: backend.url, params: { action: '{action}' }, ...more })).warnings.join()
      expect(await warningsOf({ defaultAction: 'allow' })).to.match(/^no "probe" is set/)
      expect(await warningsOf({ lastVerdictMs: 1000 })).to.match(/^no "probe" is set/)
      expect(await warningsOf({ defaultAction: 'allow', probe: { query: 'token=probe' } })).to.equal('')
    })

    for (const [status, headers, exitStatus, says] of [
      [301, 'Location: https://p.example.com/?token=hunter2', 1, /redirects with status 301 to https:\/\/p\.example\.com\/\?token=\*\*\*, and redirects are not followed/],
      [302, 'X: y', 1, /redirects with status 302, and/],
      [201, 'X: y', 1, /answers 201, and only 200 lets anybody in/],
      [204, 'X: y', 1, /answers 204, and only 200/],
      [500, 'X: y', 1, /answers 500: the backend has an error, or a reverse proxy/],
      [502, 'X: y', 1, /answers 502: .*see unavailableStatuses/],
      [404, 'X: y', 0, /answers 404: is the path of url right\?/],
      [401, 'X: y', 0, undefined],
      [403, 'X: y', 0, undefined]
    ] as const) {
      it(`ends with status ${exitStatus} if everything is answered with ${status}, and says what that means`, async () => {
        const backend = await backendThat(`HTTP/1.1 ${status} X\r\n${headers}\r\nContent-Length: 0\r\n\r\n`)
        const document = await all({ url: backend.url, params: { action: '{action}' } })
        expect(document.exitStatus).to.equal(exitStatus)
        if (says === undefined) expect([...document.faults, ...document.warnings]).to.deep.equal([])
        else {
          expect(exitStatus === 1 ? document.faults : document.warnings).to.have.length(1)
          expect(checkText(document)).to.match(says)
        }
        expect(checkText(document).includes('but with this answer nobody gets in')).to.equal(exitStatus === 1)
      })
    }

    it('warns of a redirect that HTTP clients are sent on by', async () => {
      const backend = await backendThat('HTTP/1.1 302 X\r\nLocation: https://p.example.com/\r\nContent-Length: 0\r\n\r\n')
      const document = await all({ url: backend.url, params: { action: '{action}' }, redirects: true })
      expect(document).to.deep.include({ exitStatus: 0, faults: [] })
      expect(document.warnings.join()).to.match(/redirects with status 302 to https:\/\/p\.example\.com\/: HTTP clients are sent there, and all others are refused/)
    })

    for (const defaultAction of ['allow', 'deny'] as const) {
      it(`says what the default action ${defaultAction} does while nothing answers`, async () => {
        const backend = await rawBackend(() => undefined)
        await backend.close()
        const document = await all({ url: backend.url, defaultAction })
        expect(document).to.deep.include({ exitStatus: 2, unavailable: { reason: document.questions[0]?.failure, defaultAction } })
        expect(checkText(document)).to.include('UNAVAILABLE').and.include(`clients would be ${defaultAction === 'allow' ? 'let in' : 'refused'}`)
      })
    }

    it('counts a status that means unavailable as no answer', async () => {
      const backend = await backendThat('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
      const document = await all({ url: backend.url, unavailableStatuses: [502] })
      expect(document.exitStatus).to.equal(2)
      expect(document.questions[0]).to.include({ status: 502 })
      expect(document.questions[0]?.failure).to.include('502, which counts as unavailable')
    })
  })

  it('tells that a server is open on purpose', async () => {
    const document = await check(false)
    expect(document).to.include({ exitStatus: 0, contract: null })
    expect(checkText(document)).to.include('OPEN').and.include('httpAuth is false')
  })

  for (const [what, text, code, message] of [
    ['no section', '{"rtmp":{}}', 'ERR_NO_SECTION', /no section "httpAuth"; its sections are: rtmp\./],
    ['a misspelled section', '{"httpAuht":{}}', 'ERR_NO_SECTION', /Is "httpAuht" meant to be "httpAuth"\?/],
    ['broken JSON', '{\n"httpAuth": { "url": "http://x/?token=hunter2", }\n}', 'ERR_OPTIONS', /is not JSON: line 2, column 49: expected a name in double quotes$/],
    ['a comment', '{\n// who is asked: token=hunter2\n"httpAuth": {}}', 'ERR_OPTIONS', /is not JSON: line 2, column 1: a comment, which node-media-server does not take$/],
    ['a comment behind a value', '{"httpAuth": { "url": "http://x" /* hunter2 */ }}', 'ERR_OPTIONS', /line 1, column 34: a comment/],
    ['YAML', 'rtmp:\n  port: 1935\nhttpAuth:\n  url: http://hunter2\n', 'ERR_OPTIONS', /looks like YAML; node-media-server reads JSON: \{/],
    ['YAML that begins with a comment', '# server hunter2\n---\nhttpAuth: {}\n', 'ERR_OPTIONS', /looks like YAML/],
    ['a comment before everything', '# server hunter2\n{"httpAuth": {}}', 'ERR_OPTIONS', /line 1, column 1: a comment/],
    ['a byte order mark', '\ufeff{}', 'ERR_OPTIONS', /is not JSON: it begins with a byte order mark$/],
    ['a list', '[]', 'ERR_OPTIONS', /holds no object/],
    ['an unknown option', '{"httpAuth":{"ulr":"hunter2"}}', 'ERR_OPTIONS', /httpAuth\.ulr: unknown option, did you mean "url"\?/],
    ['a section that is none', '{"httpAuth":true}', 'ERR_OPTIONS', /httpAuth: must be an object/]
  ] as const) {
    it(`refuses a config with ${what}`, async () => {
      const config = await configOf(undefined, text)
      const error: unknown = await inspect({ url: undefined, config, publish: false, ip: '127.0.0.1', userAgent: '' }, false).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(HttpAuthError)
      expect((error as HttpAuthError).code).to.equal(code)
      expect((error as HttpAuthError).message).to.match(message).and.to.not.include('hunter2')
    })
  }

  it('refuses a config that cannot be read', async () => {
    const error: unknown = await inspect({ url: undefined, config: join(dir, 'none.json'), publish: false, ip: '127.0.0.1', userAgent: '' }, false).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(HttpAuthError).with.property('message').that.matches(/none\.json: there is no such file$/)
  })
})

describe('a word of the shell', () => {
  it('is taken by the shell for the text itself', async () => {
    const texts = ['', 'a', "it's", '$HOME `id` $(id) "x" \\', '!!', '*?[a]{b,c}~', 'a\nb', 'tab\t', '\u202eabc', 'Größe', '#x', '-n', "'", "\u001b'\\x41", ' ']
    const { stdout } = await run('bash', ['-c', `printf '%s\\0' ${texts.map(shellWord).join(' ')}`])
    expect(stdout.split('\0').slice(0, -1)).to.deep.equal(texts)
  })

  it('may be bytes that are no text', async () => {
    const { stdout } = await run('bash', ['-c', `printf %s ${shellWord(Buffer.from([0x41, 0xfc, 0x27]))}`], { encoding: 'latin1' })
    expect(stdout).to.equal("A\u00fc'")
  })
})
