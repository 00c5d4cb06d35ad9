import { expect } from 'chai'
import { createFileKind } from '../../../../lib/gate/files/kind.js'
import { DEFAULTS } from '../../../../lib/options/defaults.js'

describe('a file below the static route', () => {
  const kindOf = createFileKind(DEFAULTS.files.open)
  for (const extension of DEFAULTS.files.open) {
    it(`is open as a page file: ${extension}`, () => {
      expect(kindOf(`live/x${extension}`)).to.equal('open')
      expect(kindOf(`X${extension.toUpperCase()}`)).to.equal('open')
    })
  }
  for (const [file, kind] of [
    ['', 'open'], ['live/', 'open'], ['live/s/index.m3u8', 'playlist'], ['LIST.M3U', 'playlist'], ['live/s/index.mpd', 'manifest'], ['A.MPD', 'manifest'], ['live/s/1.ts', 'segment'], ['k.key', 'segment'], ['a.b/1.m4s', 'segment'],
    ['rec.flv', 'recording'], ['rec.mp4', 'other'], ['live', 'other'], ['live/s', 'other'], ['a.html/b', 'other'], ['a.html.', 'other'], ['x.htmlx', 'other'], ['x.html.exe', 'other'], ['.html', 'other'], ['x.', 'other']
  ] as const) {
    it(`is ${kind}: ${JSON.stringify(file)}`, () => { expect(kindOf(file)).to.equal(kind) })
  }

  it('is closed though it is a directory if its page is', () => {
    const closed = createFileKind(['.css'])
    for (const file of ['', 'live/', 'x.html']) expect(closed(file), file).to.equal('other')
    expect(closed('x.css')).to.equal('open')
  })
})
