import { expect } from 'chai'
import { join } from 'node:path'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { expectGuarded, onFreePorts, startProgram } from '../support/guarded.js'
import { codeBlocks, moved, shellLines } from '../support/readme.js'
import { installPacked, type Installed } from './installed.js'

const programs = codeBlocks('js')
const config = codeBlocks('json')[0]?.text ?? ''

describe('the programs of the README', () => {
  it('are the same as ESM and as CommonJS', () => {
    expect(programs.map(({ text }) => text.includes('require(') ? 'cjs' : 'mjs')).to.have.members(['mjs', 'cjs'])
  })
})

for (const version of ['4.4.3', '2.7.4']) {
  describe(`the packed package, installed with node-media-server ${version}`, function () {
    this.timeout(180_000)
    const keep = cleanup()
    let app: Installed
    let backend: ControlledBackend

    before(async () => {
      backend = keep(await startBackend())
      app = keep(await installPacked(version))
    })
    after(() => keep.run())

    for (const { text, line } of programs) {
      const kind = text.includes('require(') ? 'cjs' : 'mjs'
      it(`runs the README's program of line ${line} (${kind}), and it guards`, async () => {
        const { ports, program } = await onFreePorts(async (at) =>
          startProgram(process.execPath, [await app.write(`readme-${line}.${kind}`, moved(text, at, backend.url))], at, { cwd: app.dir }))
        keep(program)
        await expectGuarded(ports, program)
        expect(program.stdout()).to.include(`[http-auth] guarding node-media-server ${version}`)
        expect(program.stderr()).to.equal('')
        await program.close()
      })
    }

    it('runs as the command, and it guards', async () => {
      expect(shellLines()).to.include('npx node-media-server-http-auth -c config.json')
      const { ports, program } = await onFreePorts(async (at) => {
        await app.write('config.json', moved(config, at, backend.url))
        return startProgram(join(app.dir, 'node_modules', '.bin', 'nms-http-auth'), ['-c', 'config.json'], at, { cwd: app.dir })
      })
      keep(program)
      await expectGuarded(ports, program)
      await program.close()
    })

    for (const way of ['--import', '--require']) {
      it(`is guarded by the preload with ${way}`, async () => {
        expect(shellLines()).to.include(`node ${way} node-media-server-http-auth/register app.js`)
        const { ports, program } = await onFreePorts(async (at) => {
          await app.write('app.js', `const NodeMediaServer = require('node-media-server')\nnew NodeMediaServer(${moved(config, at, backend.url)}).run()`)
          return startProgram(process.execPath, [way, 'node-media-server-http-auth/register', 'app.js'], at, { cwd: app.dir })
        })
        keep(program)
        await expectGuarded(ports, program)
        await program.close()
      })
    }
  })
}
