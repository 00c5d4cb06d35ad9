import { expect } from 'chai'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { request } from 'undici'
import { asksAlike } from '../../lib/assembly/generation.js'
import type { BackendOptions, Options } from '../../lib/options/options.js'
import { resolve } from '../../lib/options/resolve.js'
import { SCHEMA } from '../../lib/options/schema.js'
import { ADMIN } from '../support/admin.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { certificatePath, TEST_CA } from '../support/certificates.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, type AnyClient } from '../support/clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import { headerProxy, textHeader } from '../support/proxy-header.js'
import { startServer, type TestServer } from '../support/server.js'
import { freePort } from '../support/tools.js'
import { sleep, until } from '../support/waiting.js'

interface Node { readonly description?: string, readonly properties?: Readonly<Record<string, Node>> }

/** Every option by its path; sections by the options in them. */
const leaves = (nodes: Readonly<Record<string, Node>>, path = ''): string[] =>
  Object.entries(nodes).flatMap(([key, { properties }]) => properties === undefined ? [path + key] : leaves(properties, `${path}${key}.`))

/** Options that are read together, as one object, with the one that stands for them here. */
const TOGETHER: Readonly<Record<string, string>> = {
  'recheck.early': 'recheck.staleMs', 'recheck.afterOutage': 'recheck.staleMs', 'breaker.probeMs': 'breaker.failures', 'probe.query': 'probe.path', 'limits.barMs': 'limits.whenFull', 'tls.key': 'tls.cert'
}

/** As `kid` is made of `audit.secret`. */
const kidOf = (secret: string): string => createHmac('sha256', secret).update('kid').digest('base64url').slice(0, 8)

/** An option with two values, and what is seen of either. */
interface Row {
  readonly with: readonly [Options, Options]
  readonly see: () => Promise<unknown>
  readonly seen: readonly [unknown, unknown]
}

const file = (name: Parameters<typeof certificatePath>[0]): string => readFileSync(certificatePath(name), 'utf8')

describe('a reload of every option', function () {
  this.timeout(60_000)
  const keep = cleanup()
  const last = cleanup()
  let first: ControlledBackend
  let second: ControlledBackend
  let server: TestServer
  /** A backend that is shown certificates, and whether it was. */
  let secure: Server
  const shown: boolean[] = []
  /** What the receiver of the webhook was told. */
  let hook: Server
  const told: { readonly url: string, readonly headers: IncomingHttpHeaders, readonly event: string, readonly userAgent: string }[] = []
  /** A port where a backend comes and goes. */
  let spare = 0
  let count = 0

  const portOf = (of: Server): number => (of.address() as AddressInfo).port
  const listening = (of: Server): Promise<void> => new Promise((done) => of.listen(0, '127.0.0.1', done))

  before(async () => {
    first = last(await startBackend())
    second = last(await startBackend())
    secure = createHttpsServer({ key: file('server.key'), cert: file('server.pem'), ca: TEST_CA, requestCert: true, rejectUnauthorized: false }, (req, res) => {
      shown.push((req.socket as TLSSocket).getPeerCertificate().subject !== undefined)
      res.end()
    })
    await listening(secure)
    hook = createHttpServer((req, res) => {
      let body = ''
      req.on('data', (text: Buffer) => { body += text.toString() }).on('end', () => {
        told.push({ url: req.url ?? '', headers: req.headers, ...JSON.parse(body) as { event: string, userAgent: string } })
        res.end()
      })
    })
    await listening(hook)
    spare = await freePort()
    server = last(await startServer({ config: { static: { router: '/static', root: 'static' } }, options: { url: first.url, admin: ADMIN } }))
    await writeFiles(join(server.dir, 'static'), {
      ...hlsStream('live/hls', { segments: 3 }), 'live/hls/cdn.m3u8': '#EXTM3U\n#EXTINF:8,\nhttps://cdn.example/live/hls/a.ts\n', 'live/hls/whole.mp4': 5000, 'live/hls/notes.xyz': '{}'
    })
  })
  after(async () => {
    await last.run()
    for (const each of [secure, hook]) {
      each.closeAllConnections()
      await new Promise((done) => each.close(done))
    }
  })
  beforeEach(() => {
    for (const backend of [first, second]) {
      backend.reset()
      backend.requests.length = backend.probes.length = 0
    }
  })
  afterEach(async () => {
    for (const backend of [first, second]) backend.release({ status: 403 })
    await keep.run()
    await server.evaluate(async ({ auth }) => { for (const { id } of auth!.sessions()) await auth!.end({ id }) })
  })

  const reload = (options: Options): Promise<string> => server.evaluate(async ({ auth }, given: object) => {
    try {
      await auth?.reload(given)
      return 'reloaded'
    } catch (error) {
      return String((error as Error).message)
    }
  }, { url: first.url, log: 'none' as const, admin: ADMIN, ...options })

  interface Asked { readonly path?: string, readonly query?: string, readonly headers?: Record<string, string>, readonly port?: number }
  const get = async ({ path, query = 'token=123', headers = {}, port = server.ports.http }: Asked = {}): Promise<{ status: number, headers: IncomingHttpHeaders, text: () => Promise<string> }> => {
    const { statusCode, headers: got, body } = await request(`http://127.0.0.1:${port}${path ?? `/live/s${++count}.flv`}?${query}`, { headers })
    body.on('error', () => undefined)
    keep({ close: () => { body.destroy() } })
    return { status: statusCode, headers: got, text: () => body.text() }
  }
  const status = async (asked?: Asked): Promise<number> => (await get(asked)).status
  const hls = (more: Asked = {}): Asked => ({ path: '/static/live/hls/720p/index.m3u8', query: `token=123&n=${++count}`, ...more })
  const file_ = (name: string): Asked => ({ path: `/static/live/hls/${name}`, query: `token=123&n=${++count}` })
  /** How often the backend is asked meanwhile. */
  const asks = async (run: () => Promise<unknown>, of = first): Promise<number> => {
    const before = of.requests.length
    await run()
    return of.requests.length - before
  }
  const twice = (query: string) => async (): Promise<number> => {
    const own = { path: `/live/s${++count}.flv`, query }
    return asks(async () => { for (let n = 0; n < 2; n++) await status(own) })
  }
  const newest = async (asked?: Asked): Promise<ControlledBackend['requests'][number]> => {
    await status(asked)
    return first.requests.at(-1)!
  }
  const answering = (how: Parameters<ControlledBackend['answer']>[0], see: () => Promise<unknown>) => (): Promise<unknown> => {
    first.answer(how)
    return see()
  }
  /** Whether it happens within a while; what must not happen is waited for as long. */
  const happens = async (condition: () => boolean | Promise<boolean>): Promise<boolean> => until(condition, '', 2500).then(() => true, () => false)
  const running = (): Promise<number> => server.evaluate(({ auth }) => auth!.sessions().length)
  const play = async (query: string, userAgent: string): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: `/live/s${++count}`, query, userAgent }))
  /** Whether a second one that has to wait is refused at once. */
  const second_ = answering({ hold: true }, async () => {
    const one = status({ query: `token=${++count}` })
    await until(() => first.held().length === 1, 'the first is held')
    const two = status({ query: `token=${++count}` })
    const refused = await Promise.race([two, until(() => first.held().length === 2, 'the second is held').then(() => 0)])
    first.release({ status: 403 })
    await Promise.all([one, two])
    return refused
  })
  const limited = (...answers: readonly Partial<Record<string, string>>[]) => answering(({ query }) =>
    ({ status: 200, headers: { ...answers[0] as Record<string, string>, ...(query.includes('free=1') && { 'X-UserId': `user${++count}` }) } }), async () => {
    await status({ query: 'u=anna&n=1', headers: { 'user-agent': 'one' } })
    await until(async () => await running() === 1, 'the first is in')
    return status({ query: 'u=anna&n=2', headers: { 'user-agent': 'two' } })
  })
  const logged = (shape: (line: string) => unknown) => async (): Promise<unknown> => {
    const name = `logged${++count}`
    await status({ path: `/live/${name}.flv` })
    await server.evaluate(() => undefined)
    const line = (): string | undefined => server.log().split('\n').find((text) => text.includes(`allowed play /live/${name}`))
    await happens(() => line() !== undefined)
    return shape(line() ?? '')
  }
  const audited = (name: string, shape: (line: Record<string, string>) => unknown) => async (): Promise<unknown> => {
    const path = `/live/audited${++count}.flv`
    await status({ path })
    const line = async (): Promise<string | undefined> => (await readFile(join(server.dir, name), 'utf8').catch(() => '')).split('\n').find((text) => text.includes(path))
    if (!await happens(async () => await line() !== undefined)) return undefined
    return shape(JSON.parse((await line())!) as Record<string, string>)
  }
  const hooked = (shape: (event: typeof told[number]) => unknown) => async (): Promise<unknown> => {
    const agent = `agent ${++count}`
    const viewer = await play('token=123', agent)
    await viewer.told
    await viewer.close()
    const own = (): typeof told => told.filter(({ userAgent }) => userAgent === agent)
    await until(() => own().length > 0, 'the receiver is told')
    return shape(own()[0]!)
  }
  const refusedUrl = (): string => `http://127.0.0.1:${spare}`
  const secureUrl = (): string => `https://127.0.0.1:${portOf(secure)}`
  const hookUrl = (path = '/'): string => `http://127.0.0.1:${portOf(hook)}${path}`
  const audit = (name: string): { file: string } => ({ file: join(server.dir, name) })

  const backendRows = (): Record<string, Row> => ({
    url: { with: [{}, { url: second.url }], see: () => asks(() => status(), second), seen: [0, 1] },
    strategy: { with: [{ url: [first.url, second.url] }, { url: [first.url, second.url], strategy: 'any' }], see: () => asks(() => status(), second), seen: [0, 1] },
    defaultAction: { with: [{ url: refusedUrl() }, { url: refusedUrl(), defaultAction: 'allow' }], see: () => status(), seen: [503, 200] },
    timeoutMs: {
      with: [{ timeoutMs: 100 }, { timeoutMs: 60_000 }],
      see: answering({ hold: true }, async () => {
        let over = false
        void status({ query: 'token=slow' }).then(() => { over = true }, () => { over = true })
        const result = await happens(() => over)
        first.release({ status: 403 })
        return result
      }),
      seen: [true, false]
    },
    maxConnections: {
      with: [{ maxConnections: 1 }, { maxConnections: 2 }],
      see: answering({ hold: true }, async () => {
        const all = [1, 2, 3].map((n) => status({ query: `token=${n}${++count}` }))
        const held = await happens(() => first.held().length > 1) ? first.held().length : 1
        while (first.release({ status: 403 }) > 0 || await server.evaluate(({ auth }) => auth!.stats().held) > 0) await sleep(20)
        await Promise.all(all)
        return held
      }),
      seen: [1, 2]
    },
    headers: { with: [{ headers: { 'X-Secret': 'a' } }, { headers: { 'X-Secret': 'b' } }], see: async () => (await newest()).headers['x-secret'], seen: ['a', 'b'] },
    params: { with: [{ params: { x: '1' } }, { params: { x: '2' } }], see: async () => new URLSearchParams((await newest()).query).get('x'), seen: ['1', '2'] },
    unavailableStatuses: { with: [{}, { unavailableStatuses: [418] }], see: answering({ status: 418 }, () => status()), seen: [403, 503] },
    'tls.ca': { with: [{ url: secureUrl() }, { url: secureUrl(), tls: { ca: TEST_CA } }], see: () => status(), seen: [503, 200] },
    'tls.cert': {
      with: [{ url: secureUrl(), tls: { ca: TEST_CA } }, { url: secureUrl(), tls: { ca: TEST_CA, cert: file('server.pem'), key: file('server.key') } }],
      see: async () => {
        await status()
        return shown.at(-1)
      },
      seen: [false, true]
    },
    'tls.rejectUnauthorized': { with: [{ url: secureUrl() }, { url: secureUrl(), tls: { rejectUnauthorized: false } }], see: () => status(), seen: [503, 200] },
    requireHeader: { with: [{}, { requireHeader: 'X-Ok' }], see: () => status(), seen: [200, 403] },
    denyBody: { with: [{}, { denyBody: true }], see: () => status(), seen: [200, 403] },
    rememberMs: { with: [{}, { rememberMs: 60_000 }], see: twice('token=123'), seen: [2, 1] },
    rememberDenialMs: { with: [{}, { rememberDenialMs: 60_000 }], see: twice('token=wrong'), seen: [2, 1] },
    redirects: { with: [{}, { redirects: true }], see: answering({ status: 302, headers: { location: 'http://127.0.0.1:9/x' } }, () => status()), seen: [403, 302] },
    lastVerdictMs: {
      with: [{ url: refusedUrl() }, { url: refusedUrl(), lastVerdictMs: 60_000 }],
      see: async () => {
        const own = { path: `/live/s${++count}.flv` }
        const backend = await startBackend({ port: spare })
        expect(await status(own)).to.equal(200)
        await backend.close()
        return status(own)
      },
      seen: [503, 200]
    },
    'recheck.staleMs': {
      with: [{ recheckMs: 200, recheck: { staleMs: 0 } }, { recheckMs: 200, recheck: { staleMs: 300 } }],
      see: answering(({ query }) => ({ status: first.about(query).length > 1 ? 500 : 200 }), async () => {
        await status({ query: `token=${++count}again` })
        await until(async () => await running() === 1, 'it is in')
        return happens(async () => await running() === 0)
      }),
      seen: [false, true]
    },
    recheckMs: {
      with: [{}, { recheckMs: 200 }],
      see: () => asks(async () => {
        const before = first.requests.length
        await play('token=123', 'one')
        await happens(() => first.requests.length > before + 1)
      }).then((asked) => asked > 1),
      seen: [false, true]
    },
    'probe.path': {
      with: [{ probe: { path: '/probe/one' } }, { probe: { path: '/probe/two' } }],
      see: async () => {
        await until(() => first.probes.length > 0, 'it is probed')
        return first.probes.at(-1)?.headers['x-real-path']
      },
      seen: ['/probe/one', '/probe/two']
    },
    'breaker.failures': {
      with: [{ url: refusedUrl(), breaker: { failures: 1000 } }, { url: refusedUrl(), breaker: { failures: 1 } }],
      see: async () => {
        await status()
        return server.evaluate(({ auth }) => auth!.stats().backends[0]!.breakerOpen)
      },
      seen: [false, true]
    }
  })

  const rows = (): Record<string, Row> => ({
    ...backendRows(),
    preset: { with: [{}, { preset: 'flussonic' }], see: async () => new URLSearchParams((await newest()).query).has('request_type'), seen: [false, true] },
    actions: {
      with: [{}, { actions: ['play'] }],
      see: async () => keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: `/live/s${++count}`, query: 'token=wrong' })).told,
      seen: ['no', 'yes']
    },
    rules: { with: [{}, { rules: [{ path: '/live/*', verdict: 'deny' }] }], see: () => status(), seen: [200, 403] },
    trustProxy: { with: [{}, { trustProxy: ['127.0.0.1'] }], see: async () => (await newest({ headers: { 'x-forwarded-for': '192.0.2.7' } })).headers['x-real-ip'], seen: ['127.0.0.1', '192.0.2.7'] },
    proxyProtocol: {
      with: [{ trustProxy: ['127.0.0.1'] }, { trustProxy: ['127.0.0.1'], proxyProtocol: ['http'] }],
      see: async () => {
        const before = first.requests.length
        const { port } = keep(await headerProxy(server.ports.http, textHeader('192.0.2.7')))
        await status({ port }).catch(() => undefined)
        return first.requests[before]?.headers['x-real-ip']
      },
      seen: [undefined, '192.0.2.7']
    },
    maxHeld: { with: [{ maxHeld: 1 }, { maxHeld: 2 }], see: second_, seen: [503, 0] },
    maxHeldPerIp: { with: [{ maxHeldPerIp: 1 }, { maxHeldPerIp: 2 }], see: second_, seen: [503, 0] },
    commandTimeoutMs: {
      with: [{ commandTimeoutMs: 100 }, { commandTimeoutMs: 60_000 }],
      see: async () => {
        const socket = connect(server.ports.rtmp, '127.0.0.1').on('error', () => undefined).resume()
        keep({ close: () => { socket.destroy() } })
        return happens(() => socket.closed)
      },
      seen: [true, false]
    },
    hlsIdleMs: {
      with: [{ hlsIdleMs: 100 }, { hlsIdleMs: 60_000 }],
      see: async () => {
        await status(hls())
        return happens(async () => await running() === 0)
      },
      seen: [true, false]
    },
    maxSessions: { with: [{ maxSessions: 1 }, { maxSessions: 2 }], see: async () => [await status(hls()), await status(hls())], seen: [[200, 503], [200, 200]] },
    maxSessionsPerIp: { with: [{ maxSessionsPerIp: 1 }, { maxSessionsPerIp: 2 }], see: async () => [await status(hls()), await status(hls())], seen: [[200, 503], [200, 200]] },
    'files.open': { with: [{}, { files: { open: ['.xyz'] } }], see: () => status({ ...file_('notes.xyz'), query: '' }), seen: [403, 200] },
    'files.stream': {
      with: [{}, { files: { stream: '{app}/{stream}/720p' } }],
      see: async () => {
        await status(hls())
        return (await server.verdicts()).at(-1)!.request.streamPath
      },
      seen: ['/live/hls/720p', '/live/hls']
    },
    'files.maxPlaylistBytes': { with: [{}, { files: { maxPlaylistBytes: 10 } }], see: async () => await status(hls()) === 200, seen: [true, false] },
    'files.identity': {
      with: [{}, { files: { identity: ['query'] } }],
      see: () => {
        const own = hls()
        return asks(async () => { for (const agent of ['one', 'two']) await status({ ...own, headers: { 'user-agent': agent } }) })
      },
      seen: [2, 1]
    },
    'files.ownOrigins': { with: [{}, { files: { ownOrigins: ['https://cdn.example'] } }], see: async () => (await (await get(file_('cdn.m3u8'))).text()).includes('a.ts?token=123'), seen: [false, true] },
    'files.vodIdleMs': {
      with: [{ hlsIdleMs: 60_000, files: { vodIdleMs: 100 } }, { hlsIdleMs: 60_000, files: { vodIdleMs: 60_000 } }],
      see: async () => {
        await (await get(file_('whole.mp4'))).text()
        return happens(async () => await running() === 0)
      },
      seen: [true, false]
    },
    'cors.origins': { with: [{}, { cors: { origins: ['https://a.example'] } }], see: async () => (await get({ headers: { origin: 'https://a.example' } })).headers['access-control-allow-origin'], seen: ['*', 'https://a.example'] },
    'cors.credentials': {
      with: [{ cors: { origins: ['https://a.example'] } }, { cors: { origins: ['https://a.example'], credentials: true } }],
      see: async () => (await get({ headers: { origin: 'https://a.example' } })).headers['access-control-allow-credentials'],
      seen: [undefined, 'true']
    },
    log: { with: [{ log: 'outages' }, { log: 'verdicts' }], see: logged((line) => line !== ''), seen: [false, true] },
    logFormat: { with: [{ log: 'verdicts' }, { log: 'verdicts', logFormat: 'json' }], see: logged((line) => line.startsWith('{')), seen: [false, true] },
    'audit.file': { with: [{ audit: audit('a.jsonl') }, { audit: audit('b.jsonl') }], see: audited('b.jsonl', ({ event }) => event), seen: [undefined, 'verdict'] },
    'audit.tokens': { with: [{ audit: audit('c.jsonl') }, { audit: { ...audit('c.jsonl'), tokens: 'mask' } }], see: audited('c.jsonl', ({ query = '' }) => query.slice(0, 8)), seen: ['token=h:', 'token=**'] },
    'audit.secret': {
      with: [{ audit: { ...audit('d.jsonl'), secret: 'a'.repeat(16) } }, { audit: { ...audit('d.jsonl'), secret: 'b'.repeat(16) } }],
      see: audited('d.jsonl', ({ kid }) => kid),
      seen: [kidOf('a'.repeat(16)), kidOf('b'.repeat(16))]
    },
    'limits.perUser': { with: [{ limits: { whenFull: 'denyNew' } }, { limits: { whenFull: 'denyNew', perUser: 1 } }], see: limited({ 'X-UserId': 'anna' }), seen: [200, 403] },
    'limits.whenFull': { with: [{ limits: { perUser: 1 } }, { limits: { perUser: 1, whenFull: 'denyNew' } }], see: limited({ 'X-UserId': 'anna' }), seen: [200, 403] },
    'limits.userParams': { with: [{ limits: { perUser: 1, whenFull: 'denyNew' } }, { limits: { perUser: 1, whenFull: 'denyNew', userParams: ['u'] } }], see: limited({}), seen: [200, 403] },
    'limits.ignoreUsers': { with: [{ limits: { perUser: 1, whenFull: 'denyNew' } }, { limits: { perUser: 1, whenFull: 'denyNew', ignoreUsers: ['anna'] } }], see: limited({ 'X-UserId': 'anna' }), seen: [403, 200] },
    'webhook.url': { with: [{ webhook: { url: hookUrl('/a') } }, { webhook: { url: hookUrl('/b') } }], see: hooked(({ url }) => url), seen: ['/a', '/b'] },
    'webhook.events': { with: [{ webhook: { url: hookUrl(), events: ['start'] } }, { webhook: { url: hookUrl(), events: ['end'] } }], see: hooked(({ event }) => event), seen: ['start', 'end'] },
    'webhook.headers': { with: [{ webhook: { url: hookUrl() } }, { webhook: { url: hookUrl(), headers: { 'X-A': 'b' } } }], see: hooked(({ headers }) => headers['x-a']), seen: [undefined, 'b'] },
    'webhook.secret': { with: [{ webhook: { url: hookUrl() } }, { webhook: { url: hookUrl(), secret: 's'.repeat(16) } }], see: hooked(({ headers }) => 'x-signature' in headers), seen: [false, true] },
    dryRun: { with: [{}, { dryRun: true }], see: () => status({ query: 'token=wrong' }), seen: [403, 200] }
  })

  const TOKEN = 'another-operator-of-the-tests'
  const refused = (): Record<string, Options> => ({
    'admin.port': { admin: { ...ADMIN, port: 1 } },
    'admin.bind': { admin: { ...ADMIN, bind: '127.0.0.2', hosts: ['localhost'] } },
    'admin.token': { admin: { ...ADMIN, token: TOKEN } },
    'admin.tokenFile': { admin: { port: 0, tokenFile: join(server.dir, 'token') } },
    'admin.hosts': { admin: { ...ADMIN, hosts: ['ops.example'] } },
    'admin.metricsOpen': { admin: { ...ADMIN, metricsOpen: true } },
    ...Object.fromEntries(Object.entries({ url: 'redis://127.0.0.1:1', prefix: 'x', heartbeatMs: 500, timeoutMs: 100, options: {} })
      .map(([name, value]) => [`store.${name}`, { store: { url: 'redis://127.0.0.1:2', [name]: value } }]))
  })

  /** One row each, filled when the servers are there. */
  const names = leaves(SCHEMA.properties).filter((path) => path !== '$schema' && path !== 'drainMs' && !(path in TOGETHER) && !path.startsWith('publish.'))
  for (const name of names) {
    it(`${name}: acts, or is refused by its name`, async () => {
      const change = refused()[name]
      if (change !== undefined) {
        await writeFiles(server.dir, { token: TOKEN })
        expect(await reload(change)).to.equal(`httpAuth.${name.split('.')[0]}: cannot change while the server runs; restart it`)
        return
      }
      const row = rows()[name]
      if (row === undefined) throw new Error(`nothing says what a reload of httpAuth.${name} does`)
      for (const side of [0, 1] as const) {
        for (const backend of [first, second]) backend.probes.length = 0
        expect(await reload(row.with[side])).to.equal('reloaded')
        expect(await row.see(), side === 0 ? 'before' : 'after').to.deep.equal(row.seen[side])
        for (const backend of [first, second]) backend.reset()
        await keep.run()
        await server.evaluate(async ({ auth }) => { for (const { id } of auth!.sessions()) await auth!.end({ id }) })
      }
    })
  }

  it('publish: whatever differs for publishers asks them anew', async () => {
    for (const [name, { with: [before, after] }] of Object.entries(backendRows())) {
      const settings = ({ url = first.url, ...more }: BackendOptions): ReturnType<typeof resolve> => resolve({ url: first.url, publish: { url, ...more } })
      expect(asksAlike(settings(before), settings(after)), name).to.equal(false)
    }
    const publish = async (): Promise<string> => keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: `/live/s${++count}`, query: 'token=123' })).told
    second.answer({ status: 403 })
    for (const [options, expected] of [[{}, 'yes'], [{ publish: { url: second.url } }, 'no'], [{}, 'yes']] as const) {
      expect(await reload(options)).to.equal('reloaded')
      expect(await publish()).to.equal(expected)
    }
  })

  it('drainMs: counts for the next drain', async () => {
    expect(await reload({ drainMs: 54_321, log: 'outages' })).to.equal('reloaded')
    await play('token=123', 'one')
    await until(async () => await running() === 1, 'it is in')
    await server.evaluate(({ auth }) => { void auth?.drain() })
    await until(() => server.log().includes('may go on for 54321 ms: 1'), 'it is said')
  })
})
