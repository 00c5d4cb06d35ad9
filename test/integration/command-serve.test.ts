import { expect } from 'chai'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { VERSION } from '../../lib/version.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { certificatePath } from '../support/certificates.js'
import { runCommand, runNode, type Command } from '../support/command.js'
import { freePort } from '../support/tools.js'
import { until } from '../support/waiting.js'

const require = createRequire(import.meta.url)
const APP = require.resolve('node-media-server/bin/app.js')
const { version: NMS_VERSION } = require('node-media-server/package.json') as { version: string }

/** Prints NMS's config once it is there. */
const SPY = `
const context = require(${JSON.stringify(join(APP, '../../src/core/context.js'))})
const timer = setInterval(() => {
  if (context.config?.http === undefined) return
  clearInterval(timer)
  console.log('CONFIG ' + JSON.stringify(context.config))
}, 10)
timer.unref()
`

describe('nms-http-auth', () => {
  let dir = ''
  let backend: ControlledBackend
  const running: Command[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    backend = await startBackend()
  })
  after(async () => {
    await backend.close()
    await rm(dir, { recursive: true })
  })
  afterEach(async () => { await Promise.all(running.splice(0).map((command) => command.kill())) })

  const keep = (command: Command): Command => {
    running.push(command)
    return command
  }
  const run = (...args: string[]): Command => keep(runCommand(args, { cwd: dir }))
  const write = async (text: string): Promise<string> => {
    const file = join(dir, 'config.json')
    await writeFile(file, text)
    return file
  }
  /** A config that NMS rewrites when it starts with it: the admin gets a password. */
  const sections = async (own: object): Promise<object> => ({
    bind: '127.0.0.1',
    http: { port: await freePort() },
    store: { path: join(dir, 'store') },
    auth: { jwt: { users: [{ username: 'admin', password: '' }] } },
    ...own
  })
  /** Runs a server until it listens; another takes a port now and then. */
  const serve = async (own: object, ...args: string[]): Promise<{ command: Command, port: number, file: string }> => {
    for (let attempt = 0; ; attempt += 1) {
      const config = await sections(own) as { http: { port: number } }
      const file = await write(JSON.stringify(config))
      const command = run('-c', file, ...args)
      const [line] = await command.prints(/EADDRINUSE|listening on port.*\n/i)
      if (!line.includes('EADDRINUSE')) return { command, port: config.http.port, file }
      if (attempt === 3) throw new Error(`no port is free:\n${command.stdout}${command.stderr}`)
      await command.kill()
    }
  }
  const statusOf = async (port: number, query = ''): Promise<number> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/live/s.flv${query}`, { headersTimeout: 10_000 })
    body.on('error', () => undefined).destroy()
    return statusCode
  }

  it('runs node-media-server with its clients held, says what is in force, and leaves the section in the file', async () => {
    const { command, port, file } = await serve({ httpAuth: { url: backend.url } })
    expect(command.stdout).to.match(/\[http-auth\] guarding node-media-server 4\./).and.include(`asks ${backend.url}`).and.include('[http-auth] WARNING: the backend cannot tell publishers from viewers')
    expect(await statusOf(port, '?token=bad')).to.equal(403)
    expect(backend.requests.at(-1)).to.include({ query: 'token=bad' })
    await command.prints(/\[http-auth\] denied play \/live\/s protocol=http-flv ip=127\.0\.0\.1 /)
    const written = JSON.parse(await readFile(file, 'utf8')) as { httpAuth: object, auth: { jwt: { users: [{ password: string }] } } }
    expect(written.auth.jwt.users[0].password).to.not.equal('')
    expect(written.httpAuth).to.deep.equal({ url: backend.url })
  })

  for (const [what, httpAuth, message] of [
    ['no section', undefined, /has no section "httpAuth"; its sections are: bind, http, store, auth\.\nAdd "httpAuth"/],
    ['a misspelled section', { httpauth: { url: 'http://127.0.0.1:6000' } }, /Is "httpauth" meant to be "httpAuth"\?/],
    ['a section that is no object', { httpAuth: null }, /httpAuth: must be an object/],
    ['a misspelled option', { httpAuth: { url: 'http://127.0.0.1:6000', defaultActoin: 'deny' } }, /httpAuth\.defaultActoin: unknown option, did you mean "defaultAction"\?/],
    ['no URL', { httpAuth: {} }, /httpAuth\.url: is required/]
  ] as const) {
    it(`refuses to start with ${what}, and leaves the config file as it was`, async () => {
      const file = await write(JSON.stringify(await sections(httpAuth ?? {})))
      const before = [await readFile(file, 'utf8'), (await stat(file)).mtimeMs]
      const command = run('-c', file)
      expect(await command.ended()).to.equal(1)
      expect(command.stderr).to.match(/^nms-http-auth: node-media-server was not started: /).and.match(message)
      expect(command.stdout).to.equal('')
      expect([await readFile(file, 'utf8'), (await stat(file)).mtimeMs]).to.deep.equal(before)
    })
  }

  it('refuses a config file that is broken or not there, and to run without one', async () => {
    const file = await write('{\n  "httpAuth": { "url": "http://127.0.0.1:6000" },\n}')
    const broken = run('--config', file)
    const missing = run('-c', join(dir, 'none.json'))
    const none = run()
    expect(await broken.ended()).to.equal(1)
    expect(broken.stderr).to.include('config.json is not JSON: line 3, column 1: expected a name in double quotes')
    expect(await missing.ended()).to.equal(1)
    expect(missing.stderr).to.include('none.json: there is no such file')
    expect(await none.ended()).to.equal(1)
    expect(none.stderr).to.include('give it a config file: nms-http-auth -c config.json')
  })

  it('starts an open server if httpAuth is false, and says so', async () => {
    const { command, port } = await serve({ httpAuth: false })
    expect(command.stdout).to.include('httpAuth is false: this node-media-server is OPEN')
    const asked = backend.requests.length
    const response = request(`http://127.0.0.1:${port}/live/s.flv`, { headersTimeout: 10_000 }).catch(() => undefined)
    await until(async () => {
      const { body } = await request(`http://127.0.0.1:${port}/admin`)
      await body.dump()
      return true
    }, 'the server answers')
    expect(backend.requests).to.have.length(asked)
    await command.kill()
    await response
  })

  it('prints its statistics on SIGUSR2, as often as it is asked', async () => {
    const { command, port } = await serve({ httpAuth: { url: backend.url } })
    command.child.kill('SIGUSR2')
    await command.prints(/\[http-auth\] \{ verdicts: \{\}, .*backend: \{ answers: 0, .* held: 0, viewers: 0, .*\}\n/)
    expect(await statusOf(port, '?token=bad')).to.equal(403)
    command.child.kill('SIGUSR2')
    await command.prints(/verdicts: \{ play: \{ 'http-flv': \{ backend: \{ allowed: 0, denied: 1 \} \} \} \}, .*answers: 1,/)
    expect(await statusOf(port, '?token=bad')).to.equal(403)
  })

  it('passes every flag of node-media-server on', async () => {
    const ports = await Promise.all([0, 1, 2, 3].map(freePort)) as [number, number, number, number]
    const spy = join(dir, 'spy.cjs')
    await writeFile(spy, SPY)
    const tls = { key: certificatePath('server.key'), cert: certificatePath('server.pem') }
    const file = await write(JSON.stringify({
      httpAuth: { url: backend.url }, http: { port: 1 }, https: tls, rtmps: tls, auth: { secret: 'x' }, webadmin: { enable: true }
    }))
    const flags = [
      '-c', file, '-b', '127.0.0.1', '--rtmp-port', String(ports[0]), '--rtmps-port', String(ports[1]), '--http-port', String(ports[2]), '--https-port', String(ports[3]),
      '--data-path', 'data', '--record-path', 'recordings', '--record-auto', '--notify-url', 'http://127.0.0.1:9/', '--auth-play', '--auth-publish', '--no-admin'
    ]
    const configOf = async (command: Command): Promise<Record<string, unknown>> => {
      const [, json = ''] = await keep(command).prints(/CONFIG (.*)\n/)
      await command.kill()
      return JSON.parse(json) as Record<string, unknown>
    }
    const ours = await configOf(runCommand(flags, { cwd: dir, node: ['--require', spy] }))
    const plain = await configOf(runNode(['--require', spy, APP, ...flags], { cwd: dir }))
    expect(ours).to.deep.equal(plain)
    expect(ours).to.deep.include({ bind: '127.0.0.1', notify: { url: 'http://127.0.0.1:9/' }, webadmin: { enable: false } })
  })

  for (const [flags, says] of [
    [['--confg', 'config.json'], 'not started: unknown option --confg, did you mean --config?'],
    [['-c', 'config.json', '--rtmp-prt', '1936'], 'not started: unknown option --rtmp-prt, did you mean --rtmp-port?'],
    [['-c', 'config.json', '--no-amdin'], 'not started: unknown option --no-amdin, did you mean --no-admin?'],
    // node-media-server may know it.
    [['-c', 'config.json', '--relay-everything'], 'Invalid command line arguments']
  ] as const) {
    it(`starts nothing with ${flags.join(' ')}: ${says}`, async () => {
      const file = await write(JSON.stringify(await sections({ httpAuth: { url: backend.url } })))
      const before = await readFile(file, 'utf8')
      const command = run(...flags)
      expect(await command.ended()).to.equal(1)
      expect(command.stderr).to.include(says)
      expect(await readFile(file, 'utf8')).to.equal(before)
    })
  }

  for (const args of [['--version'], ['-v'], ['version']]) {
    it(`tells every version that matters on ${args.join(' ')}`, async () => {
      const command = run(...args)
      expect(await command.ended()).to.equal(0)
      expect(command.stdout).to.equal(`node-media-server-http-auth ${VERSION}\nnode-media-server ${NMS_VERSION}\nNode.js ${process.version}\n`)
    })
  }

  it('leaves wrong flags to node-media-server', async () => {
    const file = await write(JSON.stringify(await sections({ httpAuth: { url: backend.url } })))
    const before = await readFile(file, 'utf8')
    const port = run('-c', file, '--rtmp-port', 'x')
    const unknown = run('-c', file, '--rmtp-port', '1')
    expect(await port.ended()).to.equal(1)
    expect(port.stderr).to.include('Invalid --rtmp-port')
    expect(await unknown.ended()).to.equal(1)
    expect(unknown.stderr).to.include('--rmtp-port')
    expect(await readFile(file, 'utf8')).to.equal(before)
  })

  for (const flag of ['--help', '-h', 'help']) {
    it(`explains itself and node-media-server on ${flag}`, async () => {
      const command = run(flag)
      expect(await command.ended()).to.equal(0)
      expect(command.stdout).to.include('nms-http-auth check').and.include('nms-http-auth backend').and.include('SIGUSR2').and.include('--rtmp-port <n>')
      expect(command.stderr).to.equal('')
    })
  }

  for (const [about, says] of [['check', '--user-agent TEXT'], ['backend', '--token TOKEN']] as const) {
    it(`explains ${about} on help ${about}`, async () => {
      const command = run('help', about)
      expect(await command.ended()).to.equal(0)
      expect(command.stdout).to.include(`nms-http-auth ${about}: `).and.include(says)
    })
  }

  for (const [name, hint] of [['hlep', 'did you mean "help"?'], ['chek', 'did you mean "check"?'], ['Backend', 'did you mean "backend"?'], ['config.json', 'See: nms-http-auth --help'], ['constructor', 'See:']] as const) {
    it(`knows no command ${name}`, async () => {
      const command = run(name, '-c', 'config.json')
      expect(await command.ended()).to.equal(3)
      expect(command.stderr).to.include(`unknown command "${name}"`).and.include(hint)
    })
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends on ${signal}`, async () => {
      const { command } = await serve({ httpAuth: { url: backend.url } })
      command.child.kill(signal)
      await command.ended()
      expect(command.child.signalCode).to.not.equal('SIGKILL')
    })
  }
})
