import { expect } from 'chai'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { ADMIN, ADMIN_TOKEN, adminOf, type TestAdmin } from '../support/admin.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, SPEECHES, type AnyClient, type Speech } from '../support/clients.js'
import { runCommand } from '../support/command.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'
import { freePort, spawn, tool } from '../support/tools.js'
import { until } from '../support/waiting.js'

const EVIL = '<img src=x onerror=alert(1)>\u001b[2J\u001b]0;owned\u0007'

interface Listed { readonly total: number, readonly sessions: { readonly id: string, readonly user?: string, readonly protocol: string, readonly streamPath: string, readonly outBytes: number, readonly userAgent: string }[] }
interface Decided { readonly total: number, readonly verdicts: { readonly allowed: boolean, readonly session: string, readonly source: string }[], readonly ends: { readonly id: string, readonly reason: string }[] }

describe('an operator', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let dir = ''
  let backend: ControlledBackend
  let server: TestServer
  let admin: TestAdmin
  let hook: Server
  const told: { event: string, sequence: number, session: string, reason?: string }[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    backend = keep(await startBackend())
    backend.answer(({ query }) => {
      const token = new URLSearchParams(query).get('token') ?? ''
      return token.startsWith('123') ? { status: 200, headers: { 'X-UserId': `user-${token.slice(3) || '0'}` } } : { status: 403 }
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
      options: {
        url: backend.url, admin: ADMIN, audit: { file: join(dir, 'audit.jsonl'), secret: 's'.repeat(16) }, log: 'verdicts',
        webhook: { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` }
      }
    }))
    admin = await adminOf(server)
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

  for (const speech of SPEECHES) {
    it(`sees who is in, throws it out, and finds both in the audit and the webhook: ${speech}`, async () => {
      const streamPath = `/live/${speech.replace(/\W/g, '')}`
      const publisher = await open('rtmp', 'publish', streamPath, '123')
      keep(keepPublishing(publisher))
      const viewer = await open(speech, 'play', streamPath, `123${speech.length}`)
      await viewer.waitForMedia(1)
      const { total, sessions: [session] } = await admin.ask<Listed>(`api/sessions?action=play&path=${streamPath}`)
      expect(total).to.equal(1)
      expect(session).to.include({ user: `user-${speech.length}`, streamPath })
      expect(await admin.ask(`api/sessions/${session?.id}`, 'DELETE')).to.deep.equal({ ended: 1 })
      await viewer.closed
      await until(async () => (await admin.ask<Decided>(`api/verdicts?session=${session?.id}`)).ends.length === 1, 'its end is known')
      const { verdicts: [verdict], ends: [end] } = await admin.ask<Decided>(`api/verdicts?session=${session?.id}`)
      expect(verdict).to.include({ allowed: true, source: 'backend' })
      expect(end).to.include({ reason: 'closed' })
      await until(() => told.filter((event) => event.session === session?.id).length === 2, 'the webhook was told')
      expect(told.filter((event) => event.session === session?.id).map(({ event, reason }) => [event, reason])).to.deep.equal([['start', undefined], ['end', 'closed']])
      const about = async (): Promise<Record<string, unknown>[]> => (await auditLines()).filter((line) => line['session'] === session?.id)
      await until(async () => (await about()).length === 2, 'the audit has both')
      expect((await about()).map(({ event, reason, user }) => [event, reason, user])).to.deep.equal([
        ['verdict', 'status 200', `user-${speech.length}`].map((value, index) => index === 1 ? (verdict as unknown as { reason: string }).reason : value), ['end', 'closed', `user-${speech.length}`]
      ])
      expect(await readFile(join(dir, 'audit.jsonl'), 'utf8')).not.to.match(/token=123/)
    })
  }

  it('asks why somebody was refused, by the token, from a terminal; nothing that a client sent moves the cursor', async () => {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.ports.http}/live/why.flv?token=geheim-77`, { headers: { 'user-agent': Buffer.from(EVIL).toString('latin1') } }).catch(() => ({ statusCode: 0, body: undefined }))
    await body?.dump()
    // A header with control characters is refused by HTTP itself; a stream name with a script is not.
    const viewer = await open('http-flv', 'play', '/live/%3Cscript%3Ealert(1)%3C', 'geheim-77').catch(() => undefined)
    await viewer?.closed
    await (await open('rtmp', 'play', '/live/why', 'geheim-77')).closed
    expect([0, 400, 403]).to.include(statusCode)
    const { code, stdout } = await run('why', 'geheim-77')
    expect(stdout).to.include('was refused').and.include('The backend was asked and said 403')
    expect(code).to.equal(0)
    expect(stdout).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect((await run('why', 'nobody-like-this')).code).to.equal(1)
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
      expect(await run('end', 'no-such-session')).to.deep.include({ code: 1, stdout: 'no such session runs\n' })
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
    ['nobody to end', ['end', '--admin', 'URL', '--token', 'x'], 3, /give it one session, or --user USER/],
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
