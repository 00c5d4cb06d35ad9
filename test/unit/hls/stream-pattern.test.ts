import { expect } from 'chai'
import { compileStreamPattern } from '../../../lib/hls/stream-pattern.js'

describe('the stream path of a file', () => {
  for (const [pattern, file, streamPath] of [
    ['{app}/{stream}', 'a/b/index.m3u8', '/a/b'], ['{app}/{stream}', 'a/b/c/1.ts', '/a/b/c'], ['{app}/{stream}', 'a/b/', '/a/b'],
    ['{app}/{stream}', 'b/index.m3u8', '/static/b'], ['{app}/{stream}', 'index.m3u8', '/static'],
    ['hls/{app}/{stream}', 'hls/a/b/1.ts', '/a/b'], ['hls/{app}/{stream}', 'a/b/1.ts', '/static/a/b'], ['{app}/{stream}/hls', 'a/b/c/hls/1.ts', '/a/b/c'], ['/{app}/{stream}/', 'a/b/1.ts', '/a/b'],
    ['{stream}/{app}', 'b/a/x/1.ts', '/a/x/b'], ['h.s/{app}/{stream}', 'hxs/a/b/1.ts', '/static/hxs/a/b']
  ] as const) {
    it(`is ${streamPath} for ${file} by ${pattern}`, () => { expect(compileStreamPattern(pattern)(file, `/static/${file}`)).to.equal(streamPath) })
  }

  it('is / for a file at the root of a route at the root', () => { expect(compileStreamPattern('{app}/{stream}')('x.ts', '/x.ts')).to.equal('/') })
})
