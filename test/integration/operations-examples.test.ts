import { expect } from 'chai'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { ADMIN } from '../support/admin.js'
import { startBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient } from '../support/clients.js'
import { runCommand } from '../support/command.js'
import { keepPublishing } from '../support/media.js'
import { startServer } from '../support/server.js'
import { freePort, listens, run, spawn, tool } from '../support/tools.js'
import { sleep, until } from '../support/waiting.js'

const example = (name: string): Promise<string> => readFile(new URL(`../../examples/operations/${name}`, import.meta.url), 'utf8')

describe('the examples of operations', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let dir = ''
  beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-')) })
  afterEach(async () => {
    await keep.run()
    await rm(dir, { recursive: true, force: true })
  })

  it('nginx sends newcomers to the other server while one drains', async () => {
    const backend = keep(await startBackend())
    const options = { url: backend.url, admin: ADMIN, drainMs: 60_000, trustProxy: ['127.0.0.1'], log: 'outages' as const }
    const servers = [keep(await startServer({ options })), keep(await startServer({ options }))] as const
    for (const { ports } of servers) keep(keepPublishing(keep(await openClient({ ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s', query: 'token=123' }))))
    const port = await freePort()
    const site = (await example('nginx.conf')).replace('127.0.0.1:8001', `127.0.0.1:${servers[0].ports.http}`).replace('127.0.0.1:8002', `127.0.0.1:${servers[1].ports.http}`)
      .replace('listen 8080', `listen 127.0.0.1:${port}`)
    await mkdir(join(dir, 'tmp'))
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(dir, 'tmp')};`).join('\n')
    await writeFile(join(dir, 'nginx.conf'), `daemon off;\nmaster_process off;\npid ${join(dir, 'pid')};\nevents {}\nhttp {\n${paths}\n${site}\n}\n`)
    const nginx = keep(spawn(tool('nginx'), ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')]))
    await until(() => listens(port), () => `nginx listens; ${nginx.stderr()}`)
    const statusOf = async (token: string): Promise<number> => {
      const { statusCode, body } = await request(`http://127.0.0.1:${port}/live/s.flv?token=${token}`)
      body.on('error', () => undefined).destroy()
      return statusCode
    }
    expect([await statusOf('123'), await statusOf('wrong')]).to.deep.equal([200, 403])
    expect(backend.requests.at(-1)?.headers).to.include({ 'x-real-ip': '127.0.0.1' })
    // One address is always sent to the same server, so each is drained in turn of the question.
    for (const server of servers) {
      const asked = backend.requests.length
      await statusOf('123')
      expect(backend.requests.length).to.equal(asked + 1)
      if (server === servers[0]) await server.evaluate(({ auth }) => { void auth?.drain() })
    }
    expect([await statusOf('123'), await statusOf('wrong')]).to.deep.equal([200, 403])
  })

  it('systemd understands the unit', async () => {
    const unit = join(dir, 'node-media-server.service')
    // It looks for the program, too.
    await writeFile(unit, (await example('node-media-server.service')).replace('/srv/node-media-server/node_modules/.bin/nms-http-auth', process.execPath))
    const { code, stdout, stderr } = await run(tool('systemd-analyze'), ['verify', '--man=no', unit])
    expect([code, stdout, stderr]).to.deep.equal([0, '', ''])
  })

  it('logrotate understands the file for the audit', async () => {
    const audit = join(dir, 'audit.jsonl')
    await writeFile(audit, '{}\n')
    const config = join(dir, 'logrotate.conf')
    await writeFile(config, (await example('audit.logrotate')).replace('/var/log/node-media-server/audit.jsonl', audit).replace('0640 nms nms', '0640'), { mode: 0o644 })
    const { code, stderr } = await run(tool('logrotate'), ['-f', '-s', join(dir, 'state'), config])
    expect(code, stderr).to.equal(0)
    expect([await readFile(audit, 'utf8'), await readFile(`${audit}.1`, 'utf8')]).to.deep.equal(['', '{}\n'])
  })

  it('the command reads its config again on SIGHUP, keeps what it has if that is wrong, and drains on SIGTERM', async () => {
    const backend = keep(await startBackend())
    const port = await freePort()
    const file = join(dir, 'config.json')
    const write = (httpAuth: object): Promise<void> =>
      writeFile(file, JSON.stringify({ bind: '127.0.0.1', http: { port }, store: { path: join(dir, 'store') }, auth: { jwt: { users: [{ username: 'admin', password: 'a-password' }] } }, httpAuth }))
    await write({ url: backend.url })
    const command = runCommand(['-c', file], { cwd: dir })
    keep({ close: () => command.kill() })
    await until(() => listens(port), () => `it listens; ${command.stdout}${command.stderr}`, 20_000)
    const statusOf = async (): Promise<number> => {
      const { statusCode, body } = await request(`http://127.0.0.1:${port}/live/s.flv?token=123`)
      body.on('error', () => undefined).destroy()
      return statusCode
    }
    expect(await statusOf()).to.equal(200)
    await write({ url: backend.url, drainMs: 30_000, rules: [{ path: '/live/s', verdict: 'deny' }] })
    command.child.kill('SIGHUP')
    await command.prints(/the options were read again/)
    expect(await statusOf()).to.equal(403)
    // One viewer waits for a stream, and is in.
    const viewer = keep(await openClient({ ports: { rtmp: 0, rtmps: 0, http: port, https: 0 }, speech: 'http-flv', action: 'play', streamPath: '/live/other', query: 'token=123' }))
    await backend.waitFor('token=123')
    await write({ url: 'nonsense' })
    command.child.kill('SIGHUP')
    await command.prints(/not reloaded, the options stay as they were: .*httpAuth\.url: must be a URL/)
    expect(await statusOf()).to.equal(403)
    command.child.kill('SIGTERM')
    await command.prints(/draining: new clients are refused/)
    await sleep(500)
    expect(viewer.closedAt(), 'who is in goes on').to.equal(0)
    expect(command.child.exitCode).to.equal(null)
    await viewer.close()
    expect(await command.ended()).to.equal(0)
  })
})
