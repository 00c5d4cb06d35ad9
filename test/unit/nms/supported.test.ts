import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import { roomOf, SUPPORTED, unsupported } from '../../../lib/nms/supported.js'

describe('a version of node-media-server', () => {
  // All that the registry has from 2.6 on, and what may come.
  for (const [version, room] of [
    ['2.6.6', undefined], ['2.7.0', undefined], ['2.7.4', 'v2'], ['2.8.0', undefined], ['3.0.0', undefined], ['4.0.7', undefined], ['4.0.21', undefined],
    ['4.1.0', undefined], ['4.2.8', undefined], ['4.3.1', undefined], ['4.3.2', 'v4'], ['4.3.2-beta.1', 'v4'], ['4.4.3', 'v4'], ['4.10.0', 'v4'], ['5.0.0', undefined]
  ] as const) {
    it(`${version} is guarded by ${room ?? 'nobody'}`, () => expect(roomOf(version)).to.equal(room))
  }

  for (const [version, install] of [['2.3.8', '2.7.4'], ['4.2.8', '4'], ['5.0.0', '4'], ['1.4.9', '4']] as const) {
    it(`${version} is refused with one sentence that says which command to run`, () => {
      expect(unsupported(version)).to.have.property('code', 'ERR_HOST_UNSUPPORTED')
      expect(unsupported(version).message).to.equal(
        `node-media-server ${version} is not supported (needs ^4.3.2 or 2.7.4). Run: npm install node-media-server@${install}`)
    })
  }

  it('is one that package.json names, too', async () => {
    const { peerDependencies } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as { peerDependencies: Record<string, string> }
    expect(peerDependencies['node-media-server']).to.equal(SUPPORTED)
  })
})
