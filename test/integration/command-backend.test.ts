import { expect } from 'chai'
import { createServer, type AddressInfo } from 'node:net'
import { request } from 'undici'
import { runCommand, type Command } from '../support/command.js'

const HEADERS = {
  'X-Session-Id': 'abc123',
  'X-Real-Ip': '203.0.113.7',
  'X-Real-Path': '/live/s',
  'X-Real-Origin': 'rtmp://live.example.com:1935',
  'X-Real-Ua': 'FMLE/3.0 (compatible; FMSc/1.0)'
}

describe('nms-http-auth backend', () => {
  const running: Command[] = []
  const run = (...args: string[]): Command => {
    const command = runCommand(['backend', ...args])
    running.push(command)
    return command
  }
  afterEach(async () => { await Promise.all(running.splice(0).map((command) => command.kill())) })

  const listening = async (...args: string[]): Promise<{ command: Command, url: string }> => {
    const command = run('--port', '0', ...args)
    const [, url = ''] = await command.prints(/listens on (http:\/\/127\.0\.0\.1:\d+)/)
    return { command, url }
  }
  const statusOf = async (url: string, headers: Record<string, string> = HEADERS): Promise<number> => {
    const { statusCode, body } = await request(url, { headers })
    await body.dump()
    return statusCode
  }

  it('lets in the token 123 and prints what it was asked', async () => {
    const { command, url } = await listening()
    expect(await statusOf(`${url}/?token=123`)).to.equal(200)
    await command.prints(/Real UA: .*\n/)
    expect(command.stdout).to.match(/\[\d{4}-.*Z\] 200\n Session ID: abc123\n {4}Real IP: 203\.0\.113\.7\n {2}Real Path: \/live\/s\nReal Origin: rtmp:\/\/live\.example\.com:1935\n {4}Real UA: FMLE\/3\.0 \(compatible; FMSc\/1\.0\)\n$/)
  })

  for (const query of ['', '?', '?token=', '?token=1234', '?token=123&token=4', '?x=123', '?Token=123']) {
    it(`refuses ${query || 'no query'}`, async () => {
      const { command, url } = await listening()
      expect(await statusOf(`${url}/${query}`)).to.equal(403)
      await command.prints(/\] 403\n Session ID: abc123\n/)
    })
  }

  it('lets in another token if it is told so, and never prints it', async () => {
    const { command, url } = await listening('--token', 'hunter2')
    expect(await statusOf(`${url}/?token=123`)).to.equal(403)
    expect(await statusOf(`${url}/?a=b&token=hunter2`)).to.equal(200)
    await command.prints(/\] 200\n/)
    expect(command.stdout).to.not.include('hunter2')
  })

  it('says which question is the probe', async () => {
    const { command, url } = await listening()
    expect(await statusOf(`${url}/`, { ...HEADERS, 'X-Session-Id': 'probe-07f8492d' })).to.equal(403)
    await command.prints(/\] 403, to the probe: the plugin asks whether the backend answers\n Session ID: probe-07f8492d\n/)
  })

  it('cannot be made to forge a line', async () => {
    const { command, url } = await listening()
    await statusOf(`${url}/`, { ...HEADERS, 'X-Real-Ua': Buffer.from('Größe \u202e\u0085', 'utf8').toString('latin1') })
    await command.prints(/Real UA: Größe \\u202e\\x85\n/)
  })

  for (const port of ['65536', '-1', 'x', '1.5', '', '99999999999']) {
    it(`says that ${JSON.stringify(port)} is no port`, async () => {
      const command = run(`--port=${port}`)
      expect(await command.ended()).to.equal(3)
      expect(command.stderr).to.equal(`nms-http-auth backend: --port must be a number from 0 to 65535, got ${JSON.stringify(port)}\n`)
    })
  }

  it('says that a port is in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => holder.once('listening', resolve))
    const { port } = holder.address() as AddressInfo
    const command = run('--port', String(port))
    expect(await command.ended()).to.equal(1)
    expect(command.stderr).to.equal(`nms-http-auth backend: port ${port} of 127.0.0.1 is in use; end what listens there or choose another with --port\n`)
    await new Promise((resolve) => holder.close(resolve))
  })

  it('refuses an empty token and an unknown option', async () => {
    const empty = run('--token=')
    const unknown = run('--prot', '1')
    expect(await empty.ended()).to.equal(3)
    expect(empty.stderr).to.include('--token must not be empty')
    expect(await unknown.ended()).to.equal(3)
    expect(unknown.stderr).to.match(/--prot.*\nSee: nms-http-auth backend --help/s)
  })

  it('explains itself', async () => {
    const command = run('--help')
    expect(await command.ended()).to.equal(0)
    expect(command.stdout).to.include('nms-http-auth backend [--port 6000] [--token 123]').and.include('--port PORT')
  })

  it('ends on SIGTERM', async () => {
    const { command } = await listening()
    command.child.kill('SIGTERM')
    expect(await command.ended()).to.equal('SIGTERM')
  })
})
