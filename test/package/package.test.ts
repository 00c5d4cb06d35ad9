import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { request } from 'undici'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { onFreePorts, startProgram } from '../support/guarded.js'
import { codeBlocks, moved, readme, shellLines } from '../support/readme.js'
import { run, spawn } from '../support/tools.js'
import { until } from '../support/waiting.js'
import { installPacked, type Installed } from './installed.js'

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

/** Options that every TypeScript program of this test is compiled with. */
const STRICT = { strict: true, noEmit: true, target: 'ES2022', types: ['node'], exactOptionalPropertyTypes: true }

const TYPED = (load: string): string => `${load}
const rule: RuleOptions = { ip: '10.0.0.0/8', verdict: 'allow' }
const publish: BackendOptions = { url: 'http://127.0.0.1:6001' }
const options: Options = { url: 'http://127.0.0.1:6000', rules: [rule], publish }
export const start = (nms: object): HttpAuth => {
  const auth = httpAuth(nms, options)
  auth.on('verdict', ({ streamPath }, { allowed, source }) => { const text: string = streamPath + source; console.log(text, allowed satisfies boolean) })
  auth.on('unavailable', ({ state }) => { const end: boolean = state === 'end'; console.log(end) })
  const held: number = auth.stats().held
  console.log(held)
  return auth
}
// @ts-expect-error there is no such option
export const wrong: Options = { url: 'http://127.0.0.1:6000', defaultActoin: 'deny' }
`
const ESM = 'import { httpAuth, type BackendOptions, type HttpAuth, type Options, type RuleOptions } from \'node-media-server-http-auth\''
const CJS = 'import auth = require(\'node-media-server-http-auth\')\nimport { httpAuth, type BackendOptions, type HttpAuth, type Options, type RuleOptions } from \'node-media-server-http-auth\'\nconsole.log(typeof auth.httpAuth)'

describe('the packed package, installed into an empty folder', function () {
  this.timeout(180_000)
  const keep = cleanup()
  let app: Installed
  let backend: ControlledBackend

  before(async () => {
    backend = keep(await startBackend())
    app = keep(await installPacked('4.4.3'))
  })
  after(() => keep.run())

  it('holds what is run and read, and nothing else', () => {
    expect(app.files).to.include.members([
      'dist/index.js', 'dist/index.d.ts', 'dist/cli.js', 'dist/register.js', 'dist/options/schema.json', 'dist/options/config.schema.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'package.json'
    ])
    expect(app.files.filter((path) => !/^dist\/|^docs\/[\w-]+\.png$|^(?:README|CHANGELOG|SECURITY)\.md$|^LICENSE$|^package\.json$/.test(path))).to.deep.equal([])
  })

  it('holds what its README links to', () => {
    const links = [...readme().matchAll(/\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g)].map(([, link, source]) => link ?? source ?? '').filter((link) => !/^https?:/.test(link))
    expect(links).to.include('SECURITY.md')
    expect(app.files).to.include.members(links)
  })

  it('installs without a warning, and says where it comes from', async () => {
    expect(app.said).not.to.match(/warn/i)
    const manifest = JSON.parse(await readFile(join(app.dir, 'node_modules/node-media-server-http-auth/package.json'), 'utf8')) as Record<string, unknown>
    for (const key of ['repository', 'homepage', 'bugs']) expect(JSON.stringify(manifest[key]), key).to.include('https://github.com/node-media-server-http-auth/node-media-server-http-auth')
    expect(Object.keys(manifest['scripts'] as object)).not.to.include.members(['prepare'])
  })

  describe('with the README\'s config file', () => {
    const config = codeBlocks('json')[0]?.text ?? ''
    const bin = (): string => join(app.dir, 'node_modules', '.bin', 'nms-http-auth')

    it('runs as the unit of systemd says, reads its config again when systemd reloads it, and drains when it is stopped', async () => {
      const unit = await readFile(new URL('../../examples/operations/node-media-server.service', import.meta.url), 'utf8')
      const [command = '', ...args] = (/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').replace('/srv/node-media-server', app.dir).split(' ')
      expect(unit).to.match(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
      const { program } = await onFreePorts(async (at) => {
        await app.write('config.json', moved(config, at, backend.url))
        return startProgram(command, args, at, { cwd: app.dir })
      })
      keep(program)
      process.kill(program.pid, 'SIGHUP')
      await until(() => program.stdout().includes('the options were read again'), () => `it is reloaded: ${program.stdout()}${program.stderr()}`)
      process.kill(program.pid, 'SIGTERM')
      expect((await program.exited).code).to.equal(0)
      expect(program.stdout()).to.include('draining')
    })

    it('every other line of the README that calls the command does what it says', async () => {
      await app.write('config.json', moved(config, { rtmp: 1935, http: 8000 }, backend.url))
      const lines = [...new Set(shellLines().filter((line) => line.startsWith('npx node-media-server-http-auth')))]
      expect(lines.length).to.be.at.least(4)
      for (const line of lines.filter((each) => each.includes(' check '))) {
        const { code, stdout, stderr } = await run('sh', ['-c', line.replace('npx node-media-server-http-auth', `'${bin()}'`)], { cwd: app.dir })
        expect(code, `${line}\n${stdout}\n${stderr}`).to.equal(0)
      }
      expect(lines).to.include('npx node-media-server-http-auth backend')
      const small = keep(spawn(bin(), ['backend', '--port', '0']))
      const url = (): string | undefined => /http:\/\/127\.0\.0\.1:\d+/.exec(small.stdout())?.[0]
      await until(() => url() !== undefined, () => `it listens: ${small.stderr()}`)
      expect((await request(`${url()}/?token=123`)).statusCode).to.equal(200)
      expect((await request(`${url()}/?token=12`)).statusCode).to.equal(403)
      await until(() => small.stdout().includes('403'), 'it prints what it is asked')
      await small.close()
    })

    for (const name of ['node-media-server-http-auth', 'nms-http-auth']) {
      it(`npx finds the command ${name}, and it explains itself`, async () => {
        const { code, stdout } = await run('npx', ['--no-install', name, '--help'], { cwd: app.dir, timeoutMs: 60_000 })
        expect(code).to.equal(0)
        expect(stdout).to.include('nms-http-auth -c config.json').and.include('--rtmp-port')
      })
    }

    it('ends when npx is ended, shell in between or not', async () => {
      const npx = keep(spawn('npx', ['--no-install', 'node-media-server-http-auth', 'backend', '--port', '0'], { cwd: app.dir }))
      const url = (): string => /http:\/\/127\.0\.0\.1:\d+/.exec(npx.stdout())?.[0] ?? ''
      await until(() => url() !== '', () => `it listens: ${npx.stderr()}`, 60_000)
      npx.child.kill('SIGTERM')
      await npx.exited
      const answers = (): Promise<boolean> => request(url()).then(() => true, () => false)
      await until(async () => !await answers(), 'nobody listens any more')
    })
  })

  it('exports the JSON schema of the options, and that of the config file', async () => {
    const whole = 'import schema from \'node-media-server-http-auth/config.schema.json\' with { type: \'json\' }\nconsole.log(schema.required)'
    expect((await run(process.execPath, [await app.write('whole.mjs', whole)], { cwd: app.dir })).stdout).to.equal('[ \'httpAuth\' ]\n')
    const program = 'import schema from \'node-media-server-http-auth/schema.json\' with { type: \'json\' }\nconsole.log(schema.title, Object.keys(schema.properties).length)'
    const { stdout } = await run(process.execPath, [await app.write('schema.mjs', program)], { cwd: app.dir })
    expect(stdout).to.match(/^httpAuth \d\d\n$/)
  })

  describe('its types', () => {
    // `node20` resolves as node16 does; in CommonJS sources it is the oldest setting in which TypeScript knows that Node can require() ESM.
    for (const [title, compilerOptions, file, load] of [
      ['ESM, node16', { module: 'node16', moduleResolution: 'node16' }, 'app.mts', ESM],
      ['ESM, nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }, 'app.mts', ESM],
      ['ESM, bundler', { module: 'esnext', moduleResolution: 'bundler' }, 'app.mts', ESM],
      ['CommonJS, node20', { module: 'node20', moduleResolution: 'node16' }, 'app.cts', CJS],
      ['CommonJS, nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }, 'app.cts', CJS],
      ['CommonJS, bundler', { module: 'preserve', moduleResolution: 'bundler' }, 'app.cts', CJS]
    ] as const) {
      it(`compile in strict programs, checked themselves: ${title}`, async () => {
        const folder = join(app.dir, `types-${title.replace(/\W+/g, '-')}`)
        await mkdir(folder, { recursive: true })
        await app.write(join(folder.slice(app.dir.length + 1), file), TYPED(load))
        await app.write(join(folder.slice(app.dir.length + 1), 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, ...compilerOptions }, files: [file] }))
        const { code, stdout } = await run(process.execPath, [TSC, '-p', folder], { timeoutMs: 60_000 })
        expect(code, stdout).to.equal(0)
      })
    }
  })

  it('names in its peer range the version that it was tested with', async () => {
    const { version } = JSON.parse(await readFile(join(app.dir, 'node_modules/node-media-server/package.json'), 'utf8')) as { version: string }
    expect(version).to.equal('4.4.3')
  })
})
