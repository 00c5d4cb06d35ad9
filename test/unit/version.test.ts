import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { VERSION } from '../../lib/version.js'

describe('the version', () => {
  it('is that of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
    expect(VERSION).to.equal(version)
  })
})
