import { expect } from 'chai'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { eventsOf } from '../../lib/command/watch.js'
import { ADMIN, ADMIN_TOKEN, adminOf, type TestAdmin } from '../support/admin.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, SPEECHES, type AnyClient, type Speech } from '../support/clients.js'
import { runCommand } from '../support/command.js'
import { fileClient } from '../support/file-clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import { MOUNT } from '../support/hosts.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'
import { freePort, spawn, tool } from '../support/tools.js'
import { until } from '../support/waiting.js'

const EVIL = '<img src=x onerror=alert(1)>\u001b[2J\u001b]0;owned\u0007'

/** Everything that is told of one session, as one list whatever it comes from. */
type Told = readonly [event: string, reason?: string]

interface Listed { readonly total: number, readonly sessions: { readonly id: string, readonly user?: string, readonly protocol: string, readonly streamPath: string, readonly outBytes: number, readonly userAgent: string }[] }
interface Decided { readonly total: number, readonly verdicts: { readonly allowed: boolean, readonly session: string, readonly source: string, readonly ended?: { readonly id: string, readonly rule: string }[] }[], readonly ends: { readonly id: string, readonly reason: string, readonly takenBy?: object }[] }

describe('an operator', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let dir = ''
  let backend: ControlledBackend
  let server: TestServer
  let admin: TestAdmin
  let hook: Server
  const told: { event: string, sequence: number, session: string, user: string, protocol: string, reason?: string }[] = []
  const streamed: [event: string, data: Readonly<Record<string, unknown>>][] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    backend = keep(await startBackend())
    backend.answer(({ query }) => {
      const params = new URLSearchParams(query)
      const token = params.get('token') ?? ''
      const headers = { 'X-UserId': `user-${token.slice(3) || '0'}`, ...(params.has('max') && { 'X-Max-Sessions': params.get('max')! }) }
      return token.startsWith('123') ? { status: 200, headers } : { status: 403 }
    })
    hook = createServer((req, res) => {
      let body = ''
      req.on('data', (text: Buffer) => { body += text.toString() }).on('end', () => {
        told.push(JSON.parse(body) as typeof told[number])
        res.end()
      })
    })
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
    server = keep(await startServer({
      config: { static: { router: '/static', root: 'static' } },
      options: {
        url: backend.url, admin: ADMIN, audit: { file: join(dir, 'audit.jsonl'), secret: 's'.repeat(16) }, log: 'verdicts',
        webhook: { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` }
      }
    }))
    admin = await adminOf(server)
    await writeFiles(join(server.dir, 'static'), { ...hlsStream('live/hls', { segments: 3 }), 'live/file/whole.mp4': 5000 })
    const { body } = await request(new URL('api/events', admin.url), { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
    const hear = eventsOf((event, data) => streamed.push([event, data]))
    body.on('data', (text: Buffer) => hear(text.toString())).on('error', () => undefined)
    keep({ close: () => body.destroy() })
  })
  after(async () => {
    await keep.run()
    hook.closeAllConnections()
    await new Promise((resolve) => hook.close(resolve))
    await rm(dir, { recursive: true })
  })

  const open = async (speech: Speech, action: 'play' | 'publish', streamPath: string, token: string): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action, streamPath, query: `token=${token}` }))
  const auditLines = async (): Promise<Record<string, unknown>[]> =>
    (await readFile(join(dir, 'audit.jsonl'), 'utf8')).split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>)
  const run = async (...args: string[]): Promise<{ code: number | string, stdout: string, stderr: string }> => {
    const command = runCommand([...args, '--admin', admin.url], { env: { NMS_HTTP_AUTH_TOKEN: ADMIN_TOKEN } })
    const code = await command.ended()
    return { code, stdout: command.stdout, stderr: command.stderr }
  }

  const watchLive = (speech: Speech) => async (streamPath: string, token: string): Promise<() => Promise<unknown>> => {
    const publisher = await open('rtmp', 'publish', streamPath, '123')
    keep(keepPublishing(publisher))
    const viewer = await open(speech, 'play', streamPath, token)
    await viewer.waitForMedia(1)
    return () => viewer.closed
  }
  /** Whoever asks for a file again is a new session, and the backend is asked about it. */
  const watchFile = (name: string) => async (streamPath: string, token: string): Promise<() => Promise<unknown>> => {
    const client = keep(fileClient(server.ports))
    const get = async (): Promise<number> => (await client.get(`${MOUNT}${streamPath}/${name}?token=${token}`)).status
    expect(await get()).to.equal(200)
    const asked = backend.requests.length
    return async () => {
      expect(await get()).to.equal(200)
      expect(backend.requests.length).to.equal(asked + 1)
    }
  }
  const WATCHING = new Map<string, (streamPath: string, token: string) => Promise<() => Promise<unknown>>>([
    ...SPEECHES.map((speech) => [speech, watchLive(speech)] as const), ['hls', watchFile('index.m3u8')], ['file', watchFile('whole.mp4')]
  ])
  for (const [speech, watch] of WATCHING) {
    it(`sees who is in, throws it out, and finds both in the events, the audit and the webhook: ${speech}`, async () => {
      const streamPath = `/live/${speech.replace(/\W/g, '')}`
      const token = `123${speech.length}`
      const user = `user-${speech.length}`
      const isGone = await watch(streamPath, token)
      const { total, sessions: [session] } = await admin.ask<Listed>(`api/sessions?action=play&path=${streamPath}`)
      expect(total).to.equal(1)
      expect(session).to.include({ user, streamPath })
      const agree = { user, protocol: session?.protocol }
      expect(await admin.ask(`api/sessions/${session?.id}`, 'DELETE')).to.deep.equal({ ended: 1 })
      await isGone()
      expect((await admin.ask<Listed>(`api/sessions?session=${session?.id}`)).total).to.equal(0)
      await until(async () => (await admin.ask<Decided>(`api/verdicts?session=${session?.id}`)).ends.length === 1, 'its end is known')
      const { verdicts: [verdict], ends: [end] } = await admin.ask<Decided>(`api/verdicts?session=${session?.id}`)
      expect(verdict).to.include({ allowed: true, source: 'backend' })
      expect(end).to.include({ reason: 'closed' })
      await until(() => told.filter((event) => event.session === session?.id).length === 2, 'the webhook was told')
      const hooked = told.filter((event) => event.session === session?.id)
      expect(hooked.map(({ event, reason }): Told => reason === undefined ? [event] : [event, reason])).to.deep.equal([['start'], ['end', 'closed']])
      for (const each of hooked) expect(each).to.include(agree)
      const seen = (): typeof streamed => streamed.filter(([, data]) => [data['id'], data['session']].includes(session?.id))
      await until(() => seen().length === 3, 'the events have all')
      expect(seen().map(([event, { reason }]): Told => event === 'end' ? [event, String(reason)] : [event])).to.deep.equal([['verdict'], ['start'], ['end', 'closed']])
      for (const [, data] of seen()) expect(data).to.include(agree)
      const about = async (): Promise<Record<string, unknown>[]> => (await auditLines()).filter((line) => line['session'] === session?.id)
      await until(async () => (await about()).length === 2, 'the audit has both')
      expect((await about()).map(({ event, reason }) => [event, reason])).to.deep.equal([['verdict', 'allowed by the backend'], ['end', 'closed']])
      for (const line of await about()) expect(line).to.include(agree)
      expect(await readFile(join(dir, 'audit.jsonl'), 'utf8')).not.to.match(/token=123/)
    })
  }

  it('finds from either side who was ended for whom: in the lists, in the audit and from a terminal', async () => {
    keep(keepPublishing(await open('rtmp', 'publish', '/live/one', '123')))
    const watch = async (from: string): Promise<AnyClient> => {
      const viewer = keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: '/live/one', query: 'token=123limited&max=1', userAgent: from }))
      await viewer.waitForMedia(1)
      return viewer
    }
    const idOf = async (): Promise<string> => (await admin.ask<Listed>('api/sessions?user=user-limited')).sessions[0]!.id
    const first = await watch('an old device')
    const old = await idOf()
    await watch('a new device')
    const newcomer = await idOf()
    await first.closed
    const by = { session: newcomer, ip: '127.0.0.1', userAgent: 'a new device', rule: 'endOldest' }
    const decided = (id: string): Promise<Decided> => admin.ask<Decided>(`api/verdicts?session=${id}`)
    await until(async () => (await decided(old)).ends.length === 1, 'its end is known')
    expect((await decided(old)).ends[0]).to.deep.include({ reason: 'limit', takenBy: by })
    expect((await decided(newcomer)).verdicts[0]?.ended?.map(({ id, rule }) => [id, rule])).to.deep.equal([[old, 'endOldest']])
    expect((await decided(old)).verdicts[0]).not.to.have.property('ended')
    await until(async () => (await auditLines()).some(({ event }) => event === 'ended-for'), 'the audit has it')
    const lines = await auditLines()
    expect(lines.find(({ event, session }) => event === 'end' && session === old)).to.deep.include({ reason: 'limit', takenBy: by })
    expect(lines.find(({ event }) => event === 'ended-for')).to.deep.include({ ...by, ended: old })
    expect((await run('why', newcomer)).stdout).to.include(`session ${old} (127.0.0.1, /live/one) was ended for it`)
    expect((await run('why', old)).stdout).to.match(new RegExp(`limit \\(endOldest\\) .*127\\.0\\.0\\.1 a new device +${newcomer}`))
  })

  it('asks why somebody was refused, by the token, from a terminal; nothing that a client sent moves the cursor', async () => {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.ports.http}/live/why.flv?token=geheim-77`, { headers: { 'user-agent': Buffer.from(EVIL).toString('latin1') } }).catch(() => ({ statusCode: 0, body: undefined }))
    await body?.dump()
    // A header with control characters is refused by HTTP itself; a stream name with a script is not.
    const viewer = await open('http-flv', 'play', '/live/%3Cscript%3Ealert(1)%3C', 'geheim-77').catch(() => undefined)
    await viewer?.closed
    await (await open('rtmp', 'play', '/live/why', 'geheim-77')).closed
    expect([0, 400, 403]).to.include(statusCode)
    const { code, stdout } = await run('why', 'geheim-77')
    expect(stdout).to.include('was refused').and.include('The backend refused with status 403')
    expect(code).to.equal(0)
    expect(stdout).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect((await run('why', 'nobody-like-this')).code).to.equal(1)
  })

  it('reads in a terminal, as text and as JSON, what a client calls itself, and no terminal obeys it', async () => {
    const userAgent = 'evil\u001b]0;title\u0007\u009b31m\u202e<script>'
    const come = async (query: string): Promise<AnyClient> => keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath: '/live/evil', query, userAgent }))
    const watching = runCommand(['watch', '--json', '--admin', admin.url, '--token', ADMIN_TOKEN])
    try {
      const viewer = await come('token=12399')
      await until(async () => (await run('sessions', '--path', '/live/evil')).stdout.includes('/live/evil'), 'it is in')
      await until(async () => {
        await (await come('token=geheim-99')).closed
        return watching.stdout.includes('evil')
      }, 'a refusal is watched')
      const texts = [
        await run('sessions', '--path', '/live/evil'), await run('sessions', '--path', '/live/evil', '--json'),
        await run('why', 'geheim-99'), await run('why', 'geheim-99', '--json'), await run('why', '12399', '--json')
      ].map(({ stdout }) => stdout)
      expect(texts.filter((text) => text.includes('evil'))).to.have.length(texts.length)
      expect((JSON.parse(texts[1]!) as { sessions: { userAgent: string }[] }).sessions[0]!.userAgent).to.equal(userAgent)
      for (const text of [...texts, watching.stdout]) expect(text).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      await viewer.close()
    } finally {
      await watching.kill()
    }
  })

  it('lists, ends and watches from a terminal', async () => {
    const watching = runCommand(['watch', '--admin', admin.url, '--token', ADMIN_TOKEN])
    try {
      const publisher = await open('rtmp', 'publish', '/live/term', '1237')
      keep(keepPublishing(publisher))
      const viewer = await open('rtmp', 'play', '/live/term', '1238')
      await viewer.waitForMedia(1)
      const list = await run('sessions', '--path', '/live/term', '--action', 'play')
      expect(list.code, list.stderr).to.equal(0)
      expect(list.stdout).to.match(/^SESSION +USER +ADDRESS/).and.match(/ user-8 +127\.0\.0\.1 +\/live\/term +rtmp +play /)
      const json = await run('sessions', '--user', 'user-8', '--json')
      expect((JSON.parse(json.stdout) as Listed).sessions[0]).to.include({ user: 'user-8' })
      expect(await run('end', '--user', 'user-8')).to.deep.include({ code: 0, stdout: 'ended: 1\n' })
      await viewer.closed
      expect(await run('end', 'no-such-session')).to.deep.include({ code: 1, stdout: 'no such session is running\n' })
      expect((await run('sessions', '--user', 'user-8')).code).to.equal(1)
      await watching.prints(/end {5}play \/live\/term rtmp 127\.0\.0\.1 user=user-8 session=\S+ closed after/)
    } finally {
      await watching.kill()
    }
  })

  for (const [what, args, code, message] of [
    ['a wrong token', ['sessions', '--admin', 'URL', '--token', 'wrong-token-of-16'], 2, /refuses the token/],
    ['nobody there', ['sessions', '--admin', 'http://127.0.0.1:1', '--token', 'x'], 2, /does not answer \(ECONNREFUSED\)/],
    ['no server named', ['end', 'x'], 3, /-c config\.json/],
    ['a mistyped flag', ['sessions', '--usr', 'x', '--admin', 'URL'], 3, /unknown option --usr, did you mean --user\?/],
    ['nobody to end', ['end', '--admin', 'URL', '--token', 'x'], 3, /name one session, or --user USER/],
    ['a config without an admin server', ['why', 'x', '-c', 'CONFIG'], 3, /has no section httpAuth\.admin/]
  ] as const) {
    it(`is told what is wrong: ${what}`, async () => {
      const config = join(dir, 'config.json')
      await writeFile(config, JSON.stringify({ httpAuth: { url: 'http://127.0.0.1:6000' } }))
      const command = runCommand(args.map((arg) => arg === 'URL' ? admin.url : arg === 'CONFIG' ? config : arg), { env: { NMS_HTTP_AUTH_TOKEN: '' } })
      expect(await command.ended()).to.equal(code)
      expect(command.stderr).to.match(message)
    })
  }

  it('scrapes it with Prometheus and finds the counts', async () => {
    const port = await freePort()
    const target = new URL(admin.url).host
    const config = join(dir, 'prometheus.yml')
    await writeFile(join(dir, 'admin-token'), ADMIN_TOKEN)
    const example = await readFile(new URL('../../examples/operations/prometheus.yml', import.meta.url), 'utf8')
    await writeFile(join(dir, 'alerts.yml'), await readFile(new URL('../../examples/operations/alerts.yml', import.meta.url), 'utf8'))
    await writeFile(config, example.replace('127.0.0.1:8090', target).replace('scrape_interval: 15s', 'scrape_interval: 1s'))
    const prometheus = keep(spawn(tool('prometheus'), [
      `--config.file=${config}`, `--storage.tsdb.path=${join(dir, 'tsdb')}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'
    ]))
    const query = async (expression: string): Promise<[labels: Record<string, string>, value: string][]> => {
      const { body } = await request(`http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`)
      const { data } = await body.json() as { data: { result: { metric: Record<string, string>, value: [number, string] }[] } }
      return data.result.map(({ metric, value }) => [metric, value[1]])
    }
    const counted = await server.evaluate(({ auth }) => auth?.stats().verdicts.play?.rtmp?.backend?.denied)
    expect(counted).to.be.above(0)
    const expression = 'nms_http_auth_verdicts_total{action="play",protocol="rtmp",source="backend",verdict="denied"}'
    await until(async () => (await query(expression).catch(() => []))[0]?.[1] === String(counted), () => `Prometheus has the count; ${prometheus.stderr()}`, 30_000)
    expect((await query(expression))[0]?.[0]).to.include({ job: 'node-media-server', instance: target })
    expect((await query('nms_http_auth_verdict_duration_seconds_count{source="backend"}')).length).to.equal(1)
    expect((await query('nms_http_auth_backend_up'))[0]?.[1]).to.equal('1')
  })
})
