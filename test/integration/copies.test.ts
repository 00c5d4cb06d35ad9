import { expect } from 'chai'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createAppFolder, type AppFolder } from '../support/apps.js'
import { runNode, type Command } from '../support/command.js'
import { freePort } from '../support/tools.js'

const SERVER = `
import NodeMediaServer from 'node-media-server'
import { httpAuth } from './dist/index.js'
const nms = new NodeMediaServer({ bind: '127.0.0.1', http: { port: Number(process.env.HTTP_PORT) } })
const options = { url: 'http://127.0.0.1:1' }
const auth = httpAuth(nms, options)
`

/** An app may have a copy of its own beside the one that is preloaded, or that another package brings. */
describe('two copies of this package', () => {
  let folder: AppFolder
  const running: Command[] = []
  before(async function () {
    this.timeout(60_000)
    folder = await createAppFolder()
    await cp(join(folder.dir, 'dist'), join(folder.dir, 'copy'), { recursive: true })
    await folder.write('both.mjs', `${SERVER}
import { httpAuth as other } from './copy/index.js'
const attempt = () => { try { other(nms, options); return 'attached' } catch (error) { return error.code } }
const first = attempt()
await auth.close()
console.log([httpAuth !== other, first, attempt()].join(' '))
process.exit()
`)
    await folder.write('preloaded.mjs', `${SERVER}nms.run()\n`)
  })
  after(() => folder.close())
  afterEach(async () => { await Promise.all(running.splice(0).map((command) => command.kill())) })

  const start = async (...args: string[]): Promise<Command> => {
    const command = runNode(args, { cwd: folder.dir, env: { HTTP_PORT: String(await freePort()) } })
    running.push(command)
    return command
  }

  it('do not guard one server both, but one after the other', async () => {
    const command = await start('both.mjs')
    expect(await command.ended()).to.equal(0)
    expect(command.stdout).to.match(/^true ERR_ALREADY_ATTACHED attached$/m)
  })

  for (const way of ['--import', '--require'] as const) {
    it(`leave a server to the one that guards it already, where the other is preloaded by ${way}`, async () => {
      const register = join(folder.dir, 'copy', 'register.js')
      const command = await start(way, way === '--import' ? pathToFileURL(register).href : register, 'preloaded.mjs')
      await command.prints(/EADDRINUSE|listening on port.*\n/i)
      expect(command.stdout.split('guarding node-media-server')).to.have.length(2)
      expect(command.stderr).to.equal('')
    })
  }
})
