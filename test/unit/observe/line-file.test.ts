import { expect } from 'chai'
import { mkdtemp, readFile, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLineFile, type LineFile } from '../../../lib/observe/line-file.js'
import { run, tool } from '../../support/tools.js'
import { sleep, until } from '../../support/waiting.js'

describe('a file of lines', function () {
  let dir = ''
  let troubles: string[] = []
  let mended: number[] = []
  const opened: LineFile[] = []
  const openIn = (name: string, maxBytes?: number): { path: string, file: LineFile } => {
    const path = join(dir, name)
    const file = openLineFile(path, { onTrouble: (problem) => troubles.push(problem), onMended: (lost) => mended.push(lost) }, maxBytes)
    opened.push(file)
    return { path, file }
  }
  const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).split('\n').slice(0, -1)

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    troubles = []
    mended = []
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((file) => file.close()))
    await rm(dir, { recursive: true })
  })

  it('has every line, in order, once it is closed', async () => {
    const { path, file } = openIn('a')
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ü`)
    for (const line of lines) file.append(line)
    await file.close()
    expect(await linesOf(path)).to.deep.equal(lines)
    expect(file.lost).to.equal(0)
  })

  it('is made anew when it was deleted', async () => {
    const { path, file } = openIn('a')
    file.append('before')
    await until(async () => (await linesOf(path).catch(() => [])).length === 1, 'the first line is there')
    await unlink(path)
    await until(() => readdir(dir).then((names) => names.includes('a')), 'it is there again')
    file.append('after')
    await file.close()
    expect(await linesOf(path)).to.deep.equal(['after'])
  })

  it('keeps its lines while it cannot be written, counts those beyond the bound, and goes on by itself', async () => {
    const path = join(dir, 'a')
    // The kernel's own full disk.
    await symlink('/dev/full', path)
    const { file } = openIn('a', 400)
    const line = 'x'.repeat(99)
    expect(file.append(line)).to.equal(true)
    await until(() => troubles.length === 1, 'the trouble is told')
    expect(troubles).to.deep.equal(['cannot be written (ENOSPC)'])
    for (let n = 0; n < 9; n++) file.append(line)
    const kept = 10 - file.lost
    expect(file.lost).to.be.within(5, 6)
    await unlink(path)
    await until(() => mended.length === 1, 'it is written again')
    expect(mended).to.deep.equal([file.lost])
    expect(await linesOf(path)).to.deep.equal(Array<string>(kept).fill(line))
    expect(troubles).to.have.lengthOf(1)
  })

  it('loses no line when logrotate moves it away under load, and creates a new one', async () => {
    const { path, file } = openIn('audit.jsonl')
    const config = join(dir, 'logrotate.conf')
    await writeFile(config, `${path} {\n  rotate 9\n  create\n  missingok\n}\n`, { mode: 0o644 })
    let written = 0
    let going = true
    const writing = (async () => {
      while (going) {
        for (let n = 0; n < 50; n++) file.append(`line ${written++}`)
        await sleep(2)
      }
    })()
    for (let round = 1; round <= 3; round++) {
      await sleep(300)
      const { code, stderr } = await run(tool('logrotate'), ['-f', '-s', join(dir, 'state'), config])
      expect(code, stderr).to.equal(0)
      await until(async () => (await readFile(path, 'utf8')).length > 0, 'the new file is written to')
    }
    going = false
    await writing
    await file.close()
    const names = (await readdir(dir)).filter((name) => name.startsWith('audit.jsonl'))
    expect(names).to.have.members(['audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2', 'audit.jsonl.3'])
    const lines = (await Promise.all(['audit.jsonl.3', 'audit.jsonl.2', 'audit.jsonl.1', 'audit.jsonl'].map((name) => linesOf(join(dir, name))))).flat()
    expect(lines.length).to.equal(written)
    expect(lines).to.deep.equal(Array.from({ length: written }, (_, index) => `line ${index}`))
    expect([file.lost, troubles]).to.deep.equal([0, []])
  })

  it('is moved by a rename without half a line in either file', async () => {
    const { path, file } = openIn('a')
    for (let n = 0; n < 5000; n++) file.append(`line ${n} ${'y'.repeat(200)}`)
    await rename(path, `${path}.old`).catch(() => undefined)
    await sleep(1200)
    file.append('last')
    await file.close()
    const all = [...await linesOf(`${path}.old`).catch(() => []), ...await linesOf(path)]
    expect(all).to.have.lengthOf(5001)
    for (const line of all) expect(line).to.match(/^line \d+ y{200}$|^last$/)
  })
})
