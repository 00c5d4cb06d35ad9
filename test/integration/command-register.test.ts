import { expect } from 'chai'
import { pathToFileURL } from 'node:url'
import { request } from 'undici'
import { createAppFolder, type AppFolder } from '../support/apps.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { runNode, type Command } from '../support/command.js'
import { freePort } from '../support/tools.js'

/** Runs the config that it is given; the same program in both kinds of module. */
const PROGRAM = `
const nms = new NodeMediaServer(JSON.parse(process.env.NMS_CONFIG))
if (process.env.ATTACH) {
  const auth = httpAuth(nms, JSON.parse(process.env.ATTACH))
  nms.on('postPlay', () => undefined)
  console.log('attached ' + typeof auth.close)
}
nms.run()
`
const APPS = {
  'app.mjs': (index: string) => `import NodeMediaServer from 'node-media-server'\nimport { httpAuth } from ${JSON.stringify(pathToFileURL(index).href)}\n${PROGRAM}`,
  'app.cjs': (index: string) => `const NodeMediaServer = require('node-media-server')\nconst { httpAuth } = require(${JSON.stringify(index)})\n${PROGRAM}`
}
const WAYS = ['--import', '--require'] as const

describe('the preload', () => {
  let folder: AppFolder
  let backend: ControlledBackend
  const running: Command[] = []

  before(async () => {
    folder = await createAppFolder()
    backend = await startBackend()
    for (const [name, text] of Object.entries(APPS)) await folder.write(name, text(folder.module('index')))
    await folder.write('none.mjs', 'import { createServer } from \'node:http\'\nconsole.log(`hello ${typeof createServer} ${process.listenerCount(\'SIGUSR2\')}`)')
    await folder.write('none.cjs', 'const { createServer } = require(\'node:http\')\nconsole.log(`hello ${typeof createServer} ${process.listenerCount(\'SIGUSR2\')}`)')
  })
  after(async () => {
    await backend.close()
    await folder.close()
  })
  afterEach(async () => { await Promise.all(running.splice(0).map((command) => command.kill())) })

  const start = (way: typeof WAYS[number], app: string, config: object = {}, attach?: object): Command => {
    const register = folder.module('register')
    const command = runNode([way, way === '--import' ? pathToFileURL(register).href : register, app], {
      cwd: folder.dir, env: { NMS_CONFIG: JSON.stringify(config), ...(attach === undefined ? {} : { ATTACH: JSON.stringify(attach) }) }
    })
    running.push(command)
    return command
  }
  /** Starts an app until its server listens; another takes a port now and then. */
  const listening = async (way: typeof WAYS[number], app: string, own: object, attach?: object): Promise<{ command: Command, port: number }> => {
    for (let attempt = 0; ; attempt += 1) {
      const port = await freePort()
      const command = start(way, app, { bind: '127.0.0.1', http: { port }, ...own }, attach)
      const [line] = await command.prints(/EADDRINUSE|listening on port.*\n/i)
      if (!line.includes('EADDRINUSE')) return { command, port }
      if (attempt === 3) throw new Error(`no port is free:\n${command.stdout}${command.stderr}`)
      await command.kill()
    }
  }
  const statusOf = async (port: number): Promise<number> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/live/s.flv?token=bad`)
    await body.dump()
    return statusCode
  }
  const banners = ({ stdout }: Command): number => stdout.split('guarding node-media-server').length - 1

  for (const way of WAYS) {
    for (const app of Object.keys(APPS)) {
      describe(`with ${way} before ${app}`, () => {
        it('guards the server of an app whose config has the section', async () => {
          const asked = backend.requests.length
          const { command, port } = await listening(way, app, { httpAuth: { url: backend.url } })
          expect(banners(command)).to.equal(1)
          expect(await statusOf(port)).to.equal(403)
          expect(backend.requests).to.have.length(asked + 1)
        })

        it('refuses to start a server without the section', async () => {
          const command = start(way, app, { bind: '127.0.0.1', http: { port: await freePort() }, httpauth: { url: backend.url } })
          expect(await command.ended()).to.equal(1)
          expect(command.stderr).to.include('nms-http-auth: node-media-server was not started: ').and.include('Is "httpauth" meant to be "httpAuth"?')
          expect(command.stdout).to.not.include('listening')
        })

        it('names every mistake in the section', async () => {
          const command = start(way, app, { http: { port: await freePort() }, httpAuth: { ulr: 'x', maxHeld: -1 } })
          expect(await command.ended()).to.equal(1)
          expect(command.stderr).to.include('httpAuth.ulr: unknown option, did you mean "url"?').and.include('httpAuth.maxHeld: must be at least 0').and.include('httpAuth.url: is required')
          expect(command.stdout).to.not.include('listening')
        })

        it('leaves a server open whose section is false, and says so', async () => {
          const { command } = await listening(way, app, { httpAuth: false })
          expect(command.stdout).to.include('this node-media-server is OPEN')
          expect(banners(command)).to.equal(0)
        })

        it('leaves a server alone that the app has attached to itself', async () => {
          const { command, port } = await listening(way, app, {}, { url: backend.url })
          expect(command.stdout).to.include('attached function')
          expect(banners(command)).to.equal(1)
          expect(await statusOf(port)).to.equal(403)
        })

        it('does not touch an app that starts no server', async () => {
          const command = start(way, app.replace('app', 'none'))
          expect(await command.ended()).to.equal(0)
          expect(command.stdout).to.equal('hello function 0\n')
          expect(command.stderr).to.equal('')
        })
      })
    }
  }
})
