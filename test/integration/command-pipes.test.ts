import { expect } from 'chai'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { ADMIN, ADMIN_TOKEN, adminOf, type TestAdmin } from '../support/admin.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { runCommand, type Command } from '../support/command.js'
import { startServer, type TestServer } from '../support/server.js'
import { freePort, listens } from '../support/tools.js'
import { sleep, until } from '../support/waiting.js'

/** CPU time that a process may take in two seconds in which it does nothing, in milliseconds. */
const IDLE_MS = 1000

describe('a command whose output nobody reads any more', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let dir = ''
  let backend: ControlledBackend
  let server: TestServer
  let admin: TestAdmin

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    backend = keep(await startBackend())
    server = keep(await startServer({ options: { url: backend.url, admin: ADMIN } }))
    admin = await adminOf(server)
  })
  after(async () => {
    await keep.run()
    await rm(dir, { recursive: true })
  })

  const run = (...args: string[]): Command => {
    const command = runCommand(args, { cwd: dir, env: { NMS_HTTP_AUTH_TOKEN: ADMIN_TOKEN } })
    keep({ close: () => command.kill() })
    return command
  }
  const close = (command: Command, ...names: readonly ('stdout' | 'stderr')[]): void => { for (const name of names) command.child[name]?.destroy() }

  for (const names of [['stdout'], ['stderr'], ['stdout', 'stderr']] as const) {
    it(`goes on and guards without ${names.join(' and ')}, and does not spin: the server`, async () => {
      const port = await freePort()
      const file = join(dir, `${names.join('-')}.json`)
      await writeFile(file, JSON.stringify({
        bind: '127.0.0.1', http: { port }, store: { path: join(dir, 'store') }, auth: { jwt: { users: [{ username: 'admin', password: 'a-password' }] } }, httpAuth: { url: backend.url, log: 'verdicts' }
      }))
      const command = run('-c', file)
      await command.prints(/guarding node-media-server/)
      await until(() => listens(port), 'it listens')
      close(command, ...names)
      const statusOf = async (token: string): Promise<number> => {
        const { statusCode, body } = await request(`http://127.0.0.1:${port}/live/s.flv?token=${token}`)
        body.on('error', () => undefined).destroy()
        return statusCode
      }
      for (let n = 0; n < 20; n++) expect([await statusOf('123'), await statusOf('wrong')]).to.deep.equal([200, 403])
      // What cannot be read again is said on stderr.
      await writeFile(file, '{')
      command.child.kill('SIGHUP')
      command.child.kill('SIGUSR2')
      const { pid } = command.child
      const cpu = async (): Promise<number> => {
        const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
        return (Number(fields[11]) + Number(fields[12])) * 10
      }
      const before = await cpu()
      await sleep(2000)
      expect(await cpu() - before).to.be.below(IDLE_MS)
      expect(await statusOf('wrong')).to.equal(403)
      command.child.kill('SIGTERM')
      expect(await command.ended()).to.equal(0)
    })
  }

  for (const args of [['sessions'], ['why', 'nobody'], ['--help'], ['help', 'check'], ['--version'], ['end', 'nobody'], ['unknown']]) {
    it(`ends with its own status: ${args.join(' ')}`, async () => {
      const all = args[0] === 'sessions' || args[0] === 'why' || args[0] === 'end' ? [...args, '--admin', admin.url] : args
      const open = run(...all)
      const expected = await open.ended()
      const closed = run(...all)
      close(closed, 'stdout', 'stderr')
      expect(await closed.ended()).to.equal(expected)
    })
  }

  it('ends with the program that reads: watch', async () => {
    const command = run('watch', '--admin', admin.url)
    const something = async (): Promise<void> => {
      const { body } = await request(`http://127.0.0.1:${server.ports.http}/live/s.flv?token=wrong`)
      await body.dump()
    }
    await until(async () => {
      await something()
      return command.stdout !== ''
    }, 'it watches')
    close(command, 'stdout')
    await until(async () => {
      await something()
      return command.child.exitCode !== null
    }, 'it ends')
    expect(command.child.exitCode).to.equal(0)
  })

  for (const [what, path, made, code] of [
    ['a folder', 'audit-folder', true, 'EISDIR'], ['in a folder that is missing', 'missing/audit.jsonl', false, 'ENOENT'], ['below a file', 'config.json/audit.jsonl', false, 'ENOTDIR']
  ] as const) {
    it(`does not start with an audit file that is ${what}, and says so`, async () => {
      if (made) await mkdir(join(dir, path))
      const file = join(dir, 'config.json')
      await writeFile(file, JSON.stringify({ bind: '127.0.0.1', http: { port: await freePort() }, httpAuth: { url: backend.url, audit: { file: path } } }))
      const command = run('-c', file)
      expect(await command.ended()).to.equal(1)
      expect(command.stderr).to.include(`httpAuth.audit.file: must be a writable file, but ${join(dir, path)} is not (${code})`)
    })
  }
})
