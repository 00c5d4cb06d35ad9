import { expect } from 'chai'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createAppFolder, type AppFolder } from '../support/apps.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { runNode, type Command } from '../support/command.js'
import { freePort } from '../support/tools.js'
import { expectGuarded, onFreePorts, startProgram } from '../support/guarded.js'

const require = createRequire(import.meta.url)

describe('nms-http-auth -c config.json', function () {
  this.timeout(60_000)
  let folder: AppFolder
  let backend: ControlledBackend
  const running: Command[] = []
  before(async () => {
    folder = await createAppFolder()
    backend = await startBackend()
    backend.answer(({ query }) => ({ status: query.includes('token=123') ? 200 : 403 }))
  })
  after(async () => {
    await backend.close()
    await folder.close()
  })
  afterEach(async () => { await Promise.all(running.splice(0).map((command) => command.kill())) })

  for (const [version, name] of [['2.7.4', 'node-media-server-2'], ['4.3.2', 'node-media-server-4.3']] as const) {
    /** A folder that has this version installed. */
    const install = async (): Promise<string> => {
      const dir = await mkdtemp(join(folder.dir, 'app-'))
      await mkdir(join(dir, 'node_modules'))
      await symlink(dirname(require.resolve(`${name}/package.json`)), join(dir, 'node_modules', 'node-media-server'))
      await cp(join(folder.dir, 'dist'), join(dir, 'dist'), { recursive: true })
      await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
      return dir
    }

    it(`starts and guards ${version} from the file that it is given`, async () => {
      const dir = await install()
      const { ports, program } = await onFreePorts(async ({ rtmp, http }) => {
        await writeFile(join(dir, 'config.json'), JSON.stringify({
          bind: '127.0.0.1', rtmp: { port: rtmp, gop_cache: true }, http: { port: http, allow_origin: '*' }, httpAuth: { url: backend.url }
        }))
        return startProgram(process.execPath, [join(dir, 'dist/cli.js'), '-c', 'config.json'], { rtmp, http }, { cwd: dir })
      })
      try {
        await expectGuarded(ports, program)
        expect(program.stdout()).to.contain(`guarding node-media-server ${version}`)
      } finally {
        await program.close()
        await rm(dir, { recursive: true })
      }
    })

    it(`does not start ${version} without the section, or with flags that it has not`, async () => {
      const dir = await install()
      await writeFile(join(dir, 'config.json'), '{ "http": { "port": 1 }, "httpAth": {} }')
      const without = runNode([join(dir, 'dist/cli.js'), '-c', 'config.json'], { cwd: dir })
      running.push(without)
      expect(await without.ended()).to.equal(1)
      expect(without.stderr).to.contain('httpAuth')
      await writeFile(join(dir, 'config.json'), '{ "http": { "port": 1 }, "httpAuth": { "url": "http://127.0.0.1:1" } }')
      const flags = runNode([join(dir, 'dist/cli.js'), '-c', 'config.json', '--rtmp-port', '1'], { cwd: dir })
      running.push(flags)
      expect(await flags.ended()).to.equal(1)
      expect(flags.stderr).to.contain('from its config file alone')
    })

    it(`does not let ${version} run unguarded after a stop where the plugin is preloaded`, async () => {
      const dir = await install()
      await writeFile(join(dir, 'app.js'), `
import NodeMediaServer from 'node-media-server'
const [config, ...again] = JSON.parse(process.env.APP)
const nms = new NodeMediaServer(config)
await nms.run()
await nms.stop()
config.rtmp.port = again[0]
config.http.port = again[1]
await nms.run()
`)
      try {
        const { ports, program } = await onFreePorts(async ({ rtmp, http }) => {
          const config = { bind: '127.0.0.1', rtmp: { port: await freePort(), gop_cache: true }, http: { port: await freePort(), allow_origin: '*' }, httpAuth: { url: backend.url } }
          return startProgram(process.execPath, ['--import', join(dir, 'dist/register.js'), join(dir, 'app.js')], { rtmp, http }, { cwd: dir, env: { APP: JSON.stringify([config, rtmp, http]) } })
        })
        try {
          await expectGuarded(ports, program)
        } finally {
          await program.close()
        }
      } catch (error) {
        // Version 4 runs once, and says so.
        if (version === '2.7.4') throw error
        expect(String(error)).to.contain('was stopped').and.to.contain('make another')
      } finally {
        await rm(dir, { recursive: true })
      }
    })
  }
})
