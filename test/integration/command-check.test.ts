import { expect } from 'chai'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckDocument } from '../../lib/check/document.js'
import { startRedis, type RedisServer } from '../support/redis.js'
import { runCommand, type Command } from '../support/command.js'
import { createTcpProxy } from '../support/tcp-proxy.js'

const URL = 'rtmp://live.example.com/live/s?token=hunter2'
const KEYS: (keyof CheckDocument)[] = [
  'file', 'error', 'contract', 'play', 'publish', 'accessRequest', 'questions', 'rule', 'verdict', 'unavailable', 'store', 'faults', 'warnings', 'secretsShown', 'exitStatus'
]

describe('nms-http-auth check', () => {
  let dir = ''
  let backend: Server
  let status = 200
  const running: Command[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    backend = createServer((_, res) => res.writeHead(status).end()).listen(0, '127.0.0.1')
    await new Promise((resolve) => backend.once('listening', resolve))
    await writeFile(join(dir, 'config.json'), JSON.stringify({ httpAuth: { url: urlOf(backend), defaultAction: 'allow' } }))
  })
  after(async () => {
    backend.closeAllConnections()
    await new Promise((resolve) => backend.close(resolve))
    await rm(dir, { recursive: true })
  })
  afterEach(async () => { await Promise.all(running.splice(0).map((command) => command.kill())) })

  const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const check = async (...args: string[]): Promise<{ exit: number | string, stdout: string, stderr: string }> => {
    const command = runCommand(['check', ...args], { cwd: dir })
    running.push(command)
    const exit = await command.ended()
    return { exit, stdout: command.stdout, stderr: command.stderr }
  }

  for (const [given, exit, verdict] of [[200, 0, 'ALLOW by backend'], [403, 1, 'DENY by backend']] as const) {
    it(`ends with status ${exit} when the backend answers ${given}`, async () => {
      status = given
      const seen = await check(URL, '-c', 'config.json')
      expect(seen).to.include({ exit, stderr: '' })
      expect(seen.stdout).to.include(verdict).and.include('X-Real-Path: /live/s').and.include('curl -sS').and.not.include('hunter2')
    })
  }

  it('ends with status 2 in an outage, whatever the default action', async () => {
    await writeFile(join(dir, 'down.json'), JSON.stringify({ httpAuth: { url: 'http://127.0.0.1:1', defaultAction: 'allow' } }))
    const seen = await check(URL, '-c', 'down.json')
    expect(seen.exit).to.equal(2)
    expect(seen.stdout).to.include('UNAVAILABLE: connection refused by 127.0.0.1:1').and.include('clients would be let in')
    expect((await check('-c', 'down.json')).exit).to.equal(2)
  })

  describe('of a config with a store', () => {
    let redis: RedisServer
    beforeEach(async () => {
      status = 403
      redis = await startRedis({ password: 'hunter2' })
    })
    afterEach(() => redis.close())

    const checkWith = async (url: string, ...args: string[]): Promise<{ exit: number | string, stdout: string, stderr: string }> => {
      await writeFile(join(dir, 'fleet.json'), JSON.stringify({ httpAuth: { url: urlOf(backend), store: { url } } }))
      return check(...args, '-c', 'fleet.json')
    }

    it('tests the store, too', async () => {
      const works = await checkWith(`redis://:hunter2@127.0.0.1:${redis.port}/1`)
      expect(works).to.include({ exit: 0, stderr: '' })
      expect(works.stdout).to.match(new RegExp(`store +redis://127\\.0\\.0\\.1:${redis.port}/1\n +connected in \\d+ ms, wrote and read in [\\d.]+ ms`)).and.not.include('hunter2')
    })

    it('ends with status 2 if the store does not let it in', async () => {
      const refused = await checkWith(`redis://:wrong@127.0.0.1:${redis.port}`)
      expect(refused.exit).to.equal(2)
      expect(refused.stdout).to.match(/FAULT +the store does not answer.*WRONGPASS/).and.include('but the store does not').and.not.include('wrong@')
    })

    it('ends with status 2 if the store connects and then says nothing', async () => {
      await redis.direct.client('PAUSE', 60_000, 'WRITE')
      const silent = await checkWith(`redis://:hunter2@127.0.0.1:${redis.port}`)
      expect(silent.exit).to.equal(2)
      expect(silent.stdout).to.match(/FAULT +the store does not answer.*no answer in time/)
    })

    it('ends with status 2 if it is no store that answers', async () => {
      const somebody = await createTcpProxy(redis.port)
      try {
        somebody.garble(['+OK\r\n'])
        const senseless = await checkWith(`redis://127.0.0.1:${somebody.port}`)
        expect(senseless.exit).to.equal(2)
        expect(senseless.stdout).to.match(/FAULT +the store does not answer.*makes no sense; check store\.url/)
      } finally {
        await somebody.close()
      }
    })

    it('ends with the status of the verdict if there is one, and the store is away', async () => {
      await redis.kill()
      const away = await checkWith(`redis://:wrong@127.0.0.1:${redis.port}`, URL)
      expect(away.exit).to.equal(1)
      expect(away.stdout).to.match(/FAULT +the store does not answer.*ECONNREFUSED/)
    })
  })

  it('only asks whether the backend answers if there is no URL', async () => {
    status = 403
    const seen = await check('-c', 'config.json')
    expect(seen).to.include({ exit: 0, stderr: '' })
    expect(seen.stdout).to.include('the config is valid and the backend answers')
  })

  it('prints one JSON document with the same keys whatever happened', async () => {
    status = 200
    for (const [exit, args] of [[0, [URL, '-c', 'config.json']], [0, ['-c', 'config.json']], [3, ['-c', 'none.json']], [3, [URL]]] as const) {
      const seen = await check(...args, '--json')
      const document = JSON.parse(seen.stdout) as CheckDocument
      expect(Object.keys(document), args.join(' ')).to.have.members(KEYS)
      expect(document.exitStatus).to.equal(exit)
      expect(seen.exit).to.equal(exit)
      expect(seen.stdout).to.not.include('hunter2')
      expect(seen.stderr === '').to.equal(exit !== 3)
    }
  })

  it('documents each key of the JSON document, and every option', async () => {
    const seen = await check('--help')
    expect(seen.exit).to.equal(0)
    for (const key of KEYS) expect(seen.stdout).to.match(new RegExp(`^  (?:\\w+, )?${key}\\b`, 'm'))
    for (const option of ['--config', '--publish', '--ip', '--user-agent', '--json', '--show-secrets', '--help']) expect(seen.stdout).to.include(option)
  })

  for (const [what, args, message] of [
    ['no config', [URL], /name the config file of the server: nms-http-auth check \[URL\] -c config\.json\nSee: nms-http-auth check --help/],
    ['an unknown option', [URL, '-c', 'config.json', '--pubish'], /unknown option --pubish, did you mean --publish\?\nSee: nms-http-auth check --help/],
    ['an unknown option that nothing resembles', [URL, '-c', 'config.json', '--everything'], /unknown option --everything\nSee/],
    ['two URLs', [URL, URL, '-c', 'config.json'], /one URL at a time/],
    ['no URL', ['srt://x/y', '-c', 'config.json'], /the URL must be like rtmp:\/\//],
    ['a client without a URL', ['-c', 'config.json', '--publish'], /need a URL/],
    ['an address that is none', [URL, '-c', 'config.json', '--ip', 'x'], /--ip must be an IPv4 or IPv6 address/],
    ['no such file', [URL, '-c', 'none.json'], /cannot read .*none\.json: there is no such file/]
  ] as const) {
    it(`ends with status 3 when it is given ${what}`, async () => {
      const seen = await check(...args)
      expect(seen).to.include({ exit: 3, stdout: '' })
      expect(seen.stderr).to.match(message)
    })
  }
})
