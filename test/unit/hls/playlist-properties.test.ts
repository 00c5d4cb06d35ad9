import { expect } from 'chai'
import fc from 'fast-check'
import { compilePlaylist, type PlaylistPlace } from '../../../lib/hls/playlist.js'

const PLACE = { origin: 'https://own.example', path: '/static/live/s/index.m3u8' }
const compile = (text: string, place: PlaylistPlace = PLACE): { directories: readonly string[], write: (query: string) => string } => {
  const { template, directories } = compilePlaylist(Buffer.from(text), place)
  return { directories, write: (query) => Buffer.concat([...template.read(query)]).toString() }
}
/** Stands for a viewer's token. */
const QUERY = 'QQ'
const RUNS = { seed: 1, numRuns: 2000 }

/** What somebody else could put into a variable. */
const STRANGE = ['//cdn.example/', 'https://cdn.example/', '@cdn.example/', '.cdn.example/', ':81/', '\\\\cdn.example\\', '/', '', 'x', '?', '#', 'data:']
const NAMES = ['a', 'b', 'c', 'd']

const piece = fc.constantFrom(
  '{$a}', '{$b}', '{$c}', '{$d}', '{$', '}', '/', '//', '\\', ':', 'https:', 'http:', 'own.example', 'cdn.example',
  '@', '?', '#', '.', '..', 'seg.ts', '%2f', ' ', '\t', '\u0001', '\ud800', 'ж', ',', '=', 'URI=', 'QUERY')
const uri = fc.oneof(
  { weight: 3, arbitrary: fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join('')) }, fc.webUrl(), fc.webPath())
const tag = fc.constantFrom(
  '#EXT-X-MEDIA:NAME="', '#EXT-X-MAP:URI="', '#EXT-X-KEY:METHOD=AES-128,URI="', '#EXT-X-DATERANGE:X-ASSET-LIST="', '#EXT-X-PREFETCH:', '# ', '#EXTINF:8,')
const line = fc.oneof(
  uri,
  fc.tuple(tag, uri, fc.constantFrom('', '"', '",URI="b.ts"', '",SERVER-URI="')).map((parts) => parts.join('')),
  fc.constantFrom('#EXTM3U', '', '#EXT-X-ENDLIST', '\ufeff#EXTM3U'),
  fc.string({ unit: 'binary', maxLength: 20 })
).map((text) => text.replace(/[\0\r\n]/g, ''))
const definition = fc.tuple(fc.constantFrom(...NAMES), fc.oneof(fc.constantFrom(...STRANGE, 'https://own.example/', 'dir', '?v=1'), uri))
  .map(([name, value]) => ({ name, value: value.replace(/["\r\n]/g, '') }))
/** Each variable is defined once at most, as it must be. */
const playlist = fc.tuple(
  fc.uniqueArray(definition, { selector: ({ name }) => name, maxLength: 3 }),
  fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '\n\n')), { maxLength: 8 })
).map(([definitions, lines]) => ({
  values: new Map(definitions.map(({ name, value }) => [name, value])),
  text: [...definitions.map(({ name, value }) => `#EXT-X-DEFINE:NAME="${name}",VALUE="${value}"\n`), ...lines.flat()]
    .join('').replaceAll(QUERY, '')
})).map(({ values, text }) => ({ values, text: Buffer.from(text).toString() }))

/** Everything in a playlist that a player may fetch: lines, quoted texts, and what follows a tag's colon. */
const fetched = (text: string): string[] => text.split(/[\r\n]+/).flatMap((each) => {
  if (!/^\ufeff?#/.test(each)) return [each.trim()]
  return [...each.matchAll(/"([^"]*)"/g)].map(([, quoted = '']) => quoted).concat(/^#EXT-X-PREFETCH:\s*(\S+)/.exec(each)?.[1] ?? [])
})

const BASE = PLACE.origin + PLACE.path
const originOf = (reference: string): string => URL.canParse(reference, BASE) ? new URL(reference, BASE).origin : 'none'

describe('a generated playlist', () => {
  it('gives the query to nobody but its own origin, whatever its variables turn out to be, and however deep', () => {
    fc.assert(fc.property(playlist, ({ text, values }) => {
      for (const reference of fetched(compile(text).write(QUERY)).filter((each) => each.includes(QUERY))) {
        for (const strange of reference.includes('{$') ? STRANGE : ['']) {
          for (const depth of [1, 3]) {
            let whole = reference
            for (let pass = 0; pass < depth; pass++) {
              whole = whole.replace(/\{\$([A-Za-z0-9_-]+)\}/g, (_, name: string) => values.get(name) ?? strange)
            }
            expect(originOf(whole), `${reference} with ${strange}`).to.be.oneOf([PLACE.origin, 'none'])
          }
        }
      }
    }), RUNS)
  })

  it('has as many lines as before, and the same tags', () => {
    const shape = (text: string): string[] => text.split(/\r\n|\r|\n/).map((each) => /^\ufeff?#[^:]*/.exec(each)?.[0] ?? (each.trim() === '' ? each : 'URI'))
    fc.assert(fc.property(playlist, ({ text }) => {
      expect(shape(compile(text).write(QUERY))).to.deep.equal(shape(text))
    }), RUNS)
  })

  it('is written for each viewer as if there were no other', () => {
    fc.assert(fc.property(playlist, fc.constantFrom('', 'a=1', '&', '?', 'token=$&'), (own, query) => {
      const compiled = compile(own.text)
      compiled.write('other=1')
      expect(compiled.write(query)).to.equal(compile(own.text).write(query))
    }), RUNS)
  })

  it('leads to the same directories once it is written', () => {
    // White space at the end of a URI counts for nothing, but not before a query; and variables in variables are left alone.
    const sober = playlist.map(({ text, values }) => [...values.values()].some((value) => value.includes('{$'))
      ? '' : text.replace(/[\u0001-\u0009\u000b\u000c\u000e-\u0020\u00a0]/g, ''))
    fc.assert(fc.property(sober, (text) => {
      const { directories, write } = compile(text)
      for (const directory of directories) expect(directory).to.match(/^\/(?:.*\/)?$/)
      expect(compile(write(QUERY)).directories).to.deep.equal(directories)
    }), RUNS)
  })

  it('is read without complaint, wherever it comes from', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.replaceAll('\0', ''))
    const or = (usual: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(usual, anything)
    const given = fc.tuple(or(playlist.map(({ text }) => text)), or(fc.constant(PLACE.origin)), or(fc.constant(PLACE.path)), anything)
    fc.assert(fc.property(given, ([text, origin, path, query]) => {
      expect(compile(text, { origin, path }).write(query)).to.be.a('string')
    }), RUNS)
  })
})
