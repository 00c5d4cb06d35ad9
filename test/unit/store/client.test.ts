import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type * as client from '../../../lib/store/client.js'
import { createAppFolder } from '../../support/apps.js'

const SETTINGS = { urls: ['redis://127.0.0.1:1'], prefix: 'test', heartbeatMs: 2000, timeoutMs: 250, options: {} }

describe('the package that the store needs', () => {
  let dir: string
  before(async () => {
    // Somewhere without a node_modules above it.
    dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-store-'))
    const app = await createAppFolder()
    await cp(join(app.dir, 'dist'), join(dir, 'dist'), { recursive: true })
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
    await app.close()
  })
  after(() => rm(dir, { recursive: true }))

  const create = async (): Promise<unknown> => {
    const { createClient } = await import(pathToFileURL(join(dir, 'dist/store/client.js')).href) as typeof client
    return createClient(SETTINGS)
  }
  const failure = (): Promise<unknown> => create().then(() => undefined, (error: unknown) => error)

  it('is asked for by name, with the line that installs it, where it is missing', async () => {
    expect(await failure()).to.include({ code: 'ERR_STORE_PACKAGE', message: 'httpAuth.store needs the package ioredis. Run: npm install ioredis@6' })
  })

  for (const version of ['4.28.5', '5.3.2', '7.0.0']) {
    it(`is refused as ${version}, which is not supported`, async () => {
      // What Node has read of a package it does not read again, so each has a folder of its own.
      const folder = join(dir, version, 'node_modules/ioredis')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'ioredis', version }))
      await cp(join(dir, 'dist'), join(dir, version, 'dist'), { recursive: true })
      const { createClient } = await import(pathToFileURL(join(dir, version, 'dist/store/client.js')).href) as typeof client
      expect(() => createClient(SETTINGS)).to.throw(`ioredis ${version} is not supported (needs ^5.4 or ^6). Run: npm install ioredis@6`).with.property('code', 'ERR_STORE_PACKAGE')
    })
  }
})
