import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import { expect } from 'chai'
import { DEFAULTS } from '../../lib/options/defaults.js'
import { resolve } from '../../lib/options/resolve.js'
import { SCHEMA } from '../../lib/options/schema.js'
import rooms, { ROOMS } from '../../scripts/rooms.js'
import { codeBlocks, readme, shellLines } from '../support/readme.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const cellsOf = (row: string): string[] => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
const namesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** Rows of the tables whose head is `option | default`: name and default, both as written. */
const optionRows = (): Map<string, string> => {
  const rows = new Map<string, string>()
  let inside = false
  for (const line of readme().split('\n')) {
    if (/^\| option \| default \|/.test(line)) inside = true
    else if (!line.startsWith('|')) inside = false
    else if (inside && !line.startsWith('| ---')) {
      const [names = '', fallback = ''] = cellsOf(line)
      for (const name of namesIn(names)) rows.set(name, fallback)
    }
  }
  return rows
}

/** Sections whose options have rows of their own. */
const SPLIT = ['tls', 'files', 'admin', 'audit', 'limits', 'recheck', 'store', 'webhook'] as const

/** A section that has none of these does nothing. */
const REQUIRED_IN_SECTION = ['admin.port', 'audit.file', 'store.url', 'webhook.url']

/** Every option by its path, with its default. */
const everyOption = (): Map<string, unknown> => {
  const defaults: Readonly<Record<string, unknown>> = DEFAULTS
  return new Map(Object.entries<object>(SCHEMA.properties).filter(([name]) => name !== '$schema').flatMap(([name, schema]): [string, unknown][] => {
    if (!SPLIT.some((section) => section === name)) return [[name, defaults[name]]]
    const section = defaults[name] as Record<string, unknown>
    return Object.keys((schema as { properties: object }).properties).map((key) => [`${name}.${key}`, section[key]])
  }))
}

describe('the README\'s compatibility table', () => {
  const cellOf = (subject: string): string => cellsOf(readme().split('\n').find((line) => line.startsWith(`| ${subject} |`)) ?? '')[1] ?? ''
  const numbersIn = (text: string): string[] => [...text.matchAll(/\d+(?:\.\d+)*/g)].map(([number]) => number)
  const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
  const manifest = JSON.parse(read('package.json')) as { engines: { node: string }, peerDependencies: Record<string, string>, scripts: Record<string, string> }

  it('names the node-media-servers that the tests run, and no other', () => {
    const run = ['node-media-server', 'node-media-server-4.3', 'node-media-server-2'].map((name) => (JSON.parse(read(`node_modules/${name}/package.json`)) as { version: string }).version)
    expect(numbersIn(/tested with ([^.]*(?:\.\d[^.]*)*)/.exec(cellOf('node-media-server'))?.[1] ?? '')).to.have.members(run)
    // What CI's test line runs.
    for (const suite of ['test:integration', 'test:host-4.3', 'test:host-2.7']) expect(manifest.scripts['test']).to.include(`npm run ${suite} `)
    expect(numbersIn(manifest.peerDependencies['node-media-server'] ?? '')).to.have.members(['4.3.2', '2.7.4'])
    expect(cellOf('node-media-server')).to.match(/^4\.3\.2 and later 4\.x, and 2\.7\.4;/)
  })

  it('names the Nodes that CI runs, and no other', () => {
    const [oldest, tested] = cellOf('Node.js').split(';')
    expect(numbersIn(oldest ?? '')).to.deep.equal([numbersIn(manifest.engines.node)[0]!.replace(/\.0$/, '')])
    const others = /set -- ([\d ]+)/.exec(read('scripts/test-nodes.sh'))?.[1]?.trim().split(' ') ?? []
    expect(numbersIn(tested ?? '')).to.have.members(['20', ...others])
    expect(read('.ci/run')).to.match(/^npm run test:nodes /m).and.match(/^npm test /m)
  })
})

describe('the README', () => {
  const rows = optionRows()
  const options = everyOption()

  it('has a row for every option, and none for another', () => {
    expect([...rows.keys()]).to.have.members([...options.keys()])
  })
  for (const [name, fallback] of options) {
    it(`says the default of ${name}`, () => {
      const [code] = namesIn(rows.get(name) ?? '')
      if (fallback === undefined) expect(rows.get(name)).to.equal(name === 'url' || REQUIRED_IN_SECTION.includes(name) ? 'required' : 'none')
      else expect(JSON.parse(code ?? '')).to.deep.equal(fallback)
    })
  }

  for (const { text, line } of codeBlocks('json')) {
    it(`shows options that are valid (line ${line})`, () => {
      const { httpAuth } = JSON.parse(text) as { httpAuth: unknown }
      expect(httpAuth).to.be.an('object')
      expect(() => resolve(httpAuth)).not.to.throw()
    })
  }

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    const named = shellLines().flatMap((line) => [...line.matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name = '']) => name)).filter((name) => !['ci', 'install', 'run'].includes(name))
    expect(named).to.include.members(['start', 'setup', 'test'])
    expect(Object.keys(scripts)).to.include.members([...new Set(named)])
  })

  it('has the two lines that do everything', () => {
    expect(shellLines()).to.include.members(['npm ci && npm start', 'npm ci && npm run setup && npm test'])
  })

  it('has no block of code that no test knows of', () => {
    expect([...new Set(codeBlocks().map(({ language }) => language))]).to.have.members(['js', 'json', 'sh', 'http'])
  })
})

describe('the documents', () => {
  const folders = ['.', 'docs', ...readdirSync(join(ROOT, 'examples')).map((name) => join('examples', name))]
  const files = folders.flatMap((folder) => readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md')).map((name) => join(folder, name)))

  for (const file of files) {
    it(`link to what is there: ${file}`, () => {
      const text = readFileSync(join(ROOT, file), 'utf8')
      const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'))
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        const [, own] = /^https:\/\/github\.com\/node-media-server-http-auth\/node-media-server-http-auth\/(?:blob|tree)\/main\/(.*)$/.exec(target) ?? []
        if (own !== undefined) expect(existsSync(join(ROOT, own)), target).to.equal(true)
        if (/^https?:/.test(target)) continue
        if (target.startsWith('#')) expect(anchors, target).to.include(target.slice(1))
        else expect(existsSync(join(ROOT, dirname(file), target.replace(/#.*/, ''))), target).to.equal(true)
      }
    })
  }

  describe('name in SECURITY.md tests that there are', () => {
    const [, table = ''] = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').split('\n## Cases and their tests\n')
    const cases = table.split('\n').filter((line) => line.startsWith('|')).slice(2).map(cellsOf)
    for (const [what = '', tests = ''] of cases) {
      it(what, () => {
        const links = [...tests.matchAll(/\]\((test\/[^)]+\.test\.ts)\)((?:,? "[^"]+")+)/g)]
        expect(links).not.to.be.empty
        expect(links.length, 'each link has a title').to.equal(tests.split('](').length - 1)
        for (const [, file = '', titles = ''] of links) {
          const source = readFileSync(join(ROOT, file), 'utf8').replaceAll('\\\'', '\'')
          for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) expect(source, `${file}: ${title}`).to.include(title)
        }
      })
    }
    it('all of those of hostile clients', () => {
      for (const file of readdirSync(join(ROOT, 'test/integration/hostile')).filter((name) => name.endsWith('.test.ts'))) expect(table).to.include(`(test/integration/hostile/${file})`)
    })
  })

  it('say of each room what the linter lets it import', () => {
    const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
    const rows = text.split('\n').filter((line) => /^\| `[\w/]+\/` \|/.test(line)).map((line) => {
      const [room = '', , may = ''] = cellsOf(line)
      return [room.replace(/^`|\/`$/g, ''), namesIn(may)] as const
    })
    expect(Object.fromEntries(rows)).to.deep.equal(Object.fromEntries(Object.entries(ROOMS).map(([room, { may, packages }]) => [room, [...may, ...packages]])))
    const folders = readdirSync(join(ROOT, 'lib'), { withFileTypes: true, recursive: true }).filter((entry) => entry.isDirectory())
      .map((entry) => relative(join(ROOT, 'lib'), join(entry.parentPath, entry.name)))
    expect(Object.keys(ROOMS)).to.have.members(folders)
  })

  for (const [file, code] of [
    ['lib/policy/any.ts', "import '../backend/target.js'"], ['lib/gate/flv/any.ts', "export * from '../rtmp/gate.js'"],
    ['lib/gate/door/any.ts', "await import('undici')"], ['lib/nms/any.ts', "import './v4/guard.js'"]
  ] as const) {
    it(`the linter holds to: ${code} in ${file}`, async () => {
      const linter = new ESLint({ cwd: ROOT, overrideConfigFile: true, overrideConfig: [{ files: ['**/*.ts'], plugins: { rooms }, rules: { 'rooms/imports': 'error' } }] })
      const [result] = await linter.lintText(code, { filePath: join(ROOT, file) })
      expect(result?.messages.map(({ ruleId }) => ruleId)).to.deep.equal(['rooms/imports'])
    })
  }
})
