import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exactSpelling, type Disk } from '../../../../lib/gate/files/exact-spelling.js'
import { writeFiles } from '../../../support/hls-files.js'

const FILES: Readonly<Record<string, readonly string[]>> = { '/root': ['live', 'É'], '/root/live': ['Secret', '1'], '/root/live/Secret': ['index.m3u8'] }

/** A disk that compares names without regard to case and to Unicode forms. */
const forgiving: Disk = {
  names: (folder) => {
    const found = Object.keys(FILES).find((known) => known.toLowerCase() === folder.toLowerCase())
    return found === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(FILES[found] ?? [])
  },
  same: (one, other) => {
    const plain = (path: string): string => path.normalize('NFC').toLowerCase()
    const exists = Object.entries(FILES).some(([folder, names]) => names.some((name) => plain(`${folder}/${name}`) === plain(one)))
    return exists && plain(one) === plain(other) ? Promise.resolve(true) : Promise.reject(new Error('ENOENT'))
  }
}

describe('the spelling of a path on the disk', () => {
  const isExact = exactSpelling('/root', forgiving)
  for (const [file, exact] of [
    ['live/Secret/index.m3u8', true], ['live/secret/index.m3u8', false], ['LIVE/Secret/index.m3u8', false], ['live/Secret/INDEX.m3u8', false],
    ['live/none.ts', true], ['none/index.m3u8', true], ['', true], ['É'.normalize('NFD'), false], ['É', true], ['live/1', true]
  ] as const) {
    it(`${exact ? 'passes' : 'is refused'} where a disk ignores case: ${JSON.stringify(file)}`, async () => { expect(await isExact(file)).to.equal(exact) })
  }

  for (const [what, names] of [
    ['no name at the root has letters', () => Promise.resolve(['1'])],
    ['the root cannot be read at first', () => Promise.reject(new Error('EMFILE'))],
    ['what the root had is gone at once', () => Promise.resolve(['gone'])]
  ] as const) {
    it(`is checked also while it is not known whether the disk ignores case: ${what}`, async () => {
      let first = true
      const disk: Disk = {
        names: (folder) => {
          if (folder !== '/root' || !first) return forgiving.names(folder)
          first = false
          return names()
        },
        same: forgiving.same
      }
      const check = exactSpelling('/root', disk)
      expect(await check('live/secret/index.m3u8')).to.equal(false)
      expect(await check('live/Secret/index.m3u8')).to.equal(true)
    })
  }

  it('is not known while this process has no descriptors left', async () => {
    const lacks = (): Promise<never> => Promise.reject(Object.assign(new Error('too many open files'), { code: 'EMFILE' }))
    const check = exactSpelling('/root', { names: lacks, same: lacks })
    const outcome = await check('live/Secret/index.m3u8').then(String, (error: Error) => error.message)
    expect(outcome).to.equal('too many open files')
  })

  it('passes as it is, whatever it is, where the disk of the tests minds case', async () => {
    const root = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
    try {
      const check = exactSpelling(root)
      expect(await check('live/x.ts'), 'an empty folder').to.equal(true)
      await writeFiles(root, { 'live/x.ts': 'x' })
      for (const file of ['live/x.ts', 'LIVE/x.ts', 'none']) expect(await check(file), file).to.equal(true)
    } finally {
      await rm(root, { recursive: true })
    }
  })

  it('passes where there is no such folder', async () => { expect(await exactSpelling('/no/such/folder')('x')).to.equal(true) })
})
