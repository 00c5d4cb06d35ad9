import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { expectGuarded, onFreePorts, startProgram } from '../support/guarded.js'
import { freePort, run, spawn, tool, type Running } from '../support/tools.js'
import { until } from '../support/waiting.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const example = (name: string): string => join(ROOT, 'examples', name)

/** Runs a line as it is printed, in a shell, in a folder of its own. */
const shell = (line: string, cwd: string): Running => spawn('sh', ['-c', `exec ${line}`], { cwd })

describe('npm start', function () {
  this.timeout(90_000)
  const keep = cleanup()
  let program: Running
  let dir: string
  let env: NodeJS.ProcessEnv

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nms-http-auth-lines-'))
    dir = folder
    keep({ close: () => rm(folder, { recursive: true, force: true }) })
    ;({ program } = await onFreePorts(async ({ rtmp, http }) => {
      // Where it keeps what it throws away later can be looked at.
      env = { ...process.env, TMPDIR: dir, RTMP_PORT: String(rtmp), HTTP_PORT: String(http), BACKEND_PORT: String(await freePort()) }
      return startProgram(process.execPath, [example('start/start.js')], { rtmp, http }, { env })
    }))
    keep(program)
    await until(() => program.stdout().includes('Ctrl-C ends it'), () => `it says what to do: ${program.stdout()}${program.stderr()}`)
  })
  after(() => keep.run())

  /** The printed line of a program below a title. */
  const line = (title: string, name: string, part = ''): string => {
    const [, below = ''] = program.stdout().split(`\n${title}:\n`)
    const found = (below.split(/^\S/m)[0] ?? '').split('\n').map((each) => each.trim()).find((each) => each.startsWith(name) && each.includes(part))
    if (found === undefined) throw new Error(`no line of ${name} below ${title}`)
    return found
  }

  it('prints lines that publish, play and are refused, with the reason', async () => {
    tool('ffmpeg')
    tool('curl')
    const publisher = keep(shell(line('Publish, and leave it running', 'ffmpeg'), dir))
    await until(() => /\[http-auth\] allowed publish \/live\/s protocol=rtmp/.test(program.stdout()), () => `the publisher is let in: ${publisher.stderr()}`, 20_000)
    const player = await run('sh', ['-c', line('Play without a screen', 'ffmpeg')], { cwd: dir, timeoutMs: 40_000 })
    expect(player.code, player.stderr).to.equal(0)
    expect(Number(/.*frame=\s*(\d+)/s.exec(player.stderr)?.[1])).to.be.at.least(30)
    expect(player.stderr).not.to.match(/error|corrupt|invalid/i)
    expect(await run('sh', ['-c', line('Play without a screen', 'curl')], { cwd: dir, timeoutMs: 40_000 })).to.include({ code: 0, stderr: '' })
    expect((await stat(join(dir, 'stream.flv'))).size).to.be.at.least(10_000)

    const refused = await run('sh', ['-c', line('Be refused', 'curl')], { cwd: dir })
    expect(refused.stdout).to.match(/^HTTP\/1\.1 403 /).and.to.include('access denied (403)')
    const refusedPlayer = await run('sh', ['-c', line('Be refused', 'ffmpeg', '-f null')], { cwd: dir, timeoutMs: 40_000 })
    expect(refusedPlayer.code).not.to.equal(0)
    expect(refusedPlayer.stderr).to.include('access denied (403)')
    const refusedPublisher = await run('sh', ['-c', line('Be refused', 'ffmpeg', '-re')], { cwd: dir, timeoutMs: 40_000 })
    expect(refusedPublisher.code).not.to.equal(0)
    expect(refusedPublisher.stderr).to.include('access denied (403)')
    expect(publisher.child.exitCode, 'the publisher never noticed').to.equal(null)
    await publisher.close()
    expect(program.stdout()).to.include('Real Origin: rtmp://127.0.0.1:').and.not.to.include('token=123 ')
  })

  it('says which ports are in use and what to do, started twice', async () => {
    const second = await run(process.execPath, [example('start/start.js')], { env })
    expect(second.code).to.equal(1)
    for (const name of ['RTMP_PORT', 'HTTP_PORT', 'BACKEND_PORT']) {
      expect(second.stderr).to.match(new RegExp(`port ${env[name]} of 127\\.0\\.0\\.1 is in use: .*${name}=\\d+ npm start`))
    }
  })

  it('ends at Ctrl-C, with nothing left behind', async () => {
    program.child.kill('SIGINT')
    expect(await program.exited).to.deep.equal({ code: 0, signal: null })
    expect(program.stderr()).to.equal('')
    expect((await readdir(dir)).filter((name) => name !== 'stream.flv')).to.deep.equal([])
  })
})

describe('the examples', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let backend: ControlledBackend
  let dir: string
  before(async () => {
    backend = keep(await startBackend())
    const folder = await mkdtemp(join(tmpdir(), 'nms-http-auth-examples-'))
    dir = folder
    keep({ close: () => rm(folder, { recursive: true, force: true }) })
  })
  after(() => keep.run())

  for (const name of ['minimal.mjs', 'minimal.cjs']) {
    it(`minimal/${name} guards, and prints each verdict`, async () => {
      const { ports, program } = await onFreePorts(({ rtmp, http }) => startProgram(process.execPath, [example(`minimal/${name}`)], { rtmp, http }, {
        cwd: dir, env: { ...process.env, RTMP_PORT: String(rtmp), HTTP_PORT: String(http), BACKEND_URL: backend.url }
      }))
      keep(program)
      await expectGuarded(ports, program)
      expect(program.stdout()).to.match(/^allowed publish \/live\/s 127\.0\.0\.1 backend /m).and.to.match(/^denied play \/live\/s 127\.0\.0\.1 backend /m)
      expect(program.stdout().match(/^.*\bdenied play \/live\/s .*$/gm), 'a line for each of the two who were refused').to.have.length(2)
      await program.close()
    })
  }

  it('config-file/config.json is in order and can be moved to other ports by flags', async () => {
    await copyFile(example('config-file/config.json'), join(dir, 'config.json'))
    const { program } = await onFreePorts(({ rtmp, http }) => startProgram(
      process.execPath, [join(ROOT, 'dist/cli.js'), '-c', 'config.json', '--bind', '127.0.0.1', '--rtmp-port', String(rtmp), '--http-port', String(http)], { rtmp, http }, { cwd: dir }
    ))
    keep(program)
    expect(program.stdout()).to.include('asks http://127.0.0.1:6000/').and.to.include('rules[0]: allow')
    await program.close()
  })
})
