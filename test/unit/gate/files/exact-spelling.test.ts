import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessRequest } from '../../../../lib/access/request.js'
import { allow, deny, type Verdict } from '../../../../lib/access/verdict.js'
import { exactly, exactSpelling, type Disk } from '../../../../lib/gate/files/exact-spelling.js'
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

  it('reads no folder where the disk minds case, and asks nothing of it for names that have one spelling', async () => {
    let asked = 0
    const minds: Disk = { names: () => Promise.reject(new Error('a folder is read')), same: () => { asked += 1; return Promise.resolve(false) } }
    const check = exactSpelling('/root', minds)
    expect(await check('1/2/3_4')).to.equal(true)
    expect(asked).to.equal(0)
    expect(await check('live/Secret/index.m3u8')).to.equal(true)
    expect(asked).to.equal(3)
  })

  describe('of who is allowed', () => {
    const request = { protocol: 'hls', path: '/static/live/secret/index.m3u8' } as AccessRequest
    const signal = new AbortController().signal
    const step = (verdict: Verdict) => exactly(() => Promise.resolve(verdict), isExact, '/static')
    it('is looked at, and of nobody else', async () => {
      const letIn = allow('backend', 'ok')
      expect(await step(letIn)(request, signal)).to.include({ allowed: false, source: 'malformed' })
      expect(await step(letIn)({ ...request, path: '/static/live/Secret/index.m3u8' }, signal)).to.equal(letIn)
      expect(await step(letIn)({ ...request, protocol: 'http-flv' }, signal)).to.equal(letIn)
      const denied = deny('backend', 'no')
      expect(await exactly(() => Promise.resolve(denied), () => Promise.reject(new Error('asked')), '/static')(request, signal)).to.equal(denied)
      const lacks = exactly(() => Promise.resolve(letIn), () => Promise.reject(new Error('too many open files')), '/static')
      expect(await lacks(request, signal)).to.include({ allowed: false, source: 'overload' })
    })
  })

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
