import { expect } from 'chai'
import fc from 'fast-check'
import { compilePlaylist, type CompiledPlaylist } from '../../../lib/hls/playlist.js'

const source = { origin: 'https://live.example.com:8443', path: '/static/live/s/index.m3u8' }
const Q = 'token=1&x=2'
const compile = (text: string | Buffer, ownOrigins?: string[]): CompiledPlaylist => compilePlaylist(Buffer.from(text), source, ownOrigins)
const written = ({ template }: CompiledPlaylist, query = Q): Buffer => Buffer.concat([...template.read(query)])
const rewrite = (text: string, query = Q): string => written(compile(text), query).toString()

describe('a playlist', () => {
  const lines: [what: string, from: string, to: string][] = [
    ['a segment', 'seg1.ts', `seg1.ts?${Q}`],
    ['a segment in a directory', '720p/seg1.ts', `720p/seg1.ts?${Q}`],
    ['a parent directory', '../audio/a.m3u8', `../audio/a.m3u8?${Q}`],
    ['an absolute path', '/static/live/s/1.ts', `/static/live/s/1.ts?${Q}`],
    ['an absolute URI of the same origin', 'https://live.example.com:8443/static/1.ts', `https://live.example.com:8443/static/1.ts?${Q}`],
    ['the same origin in capitals', 'HTTPS://LIVE.example.com:8443/1.ts', `HTTPS://LIVE.example.com:8443/1.ts?${Q}`],
    ['the same host without a scheme', '//live.example.com:8443/1.ts', `//live.example.com:8443/1.ts?${Q}`],
    ['a query of its own', 'seg.ts?v=1&w=2', `seg.ts?${Q}&v=1&w=2`],
    ['an empty query of its own', 'seg.ts?', `seg.ts?${Q}&`],
    ['a fragment', 'seg.ts#t=1?x', `seg.ts?${Q}#t=1?x`],
    ['query and fragment', 'seg.ts?v=1#t', `seg.ts?${Q}&v=1#t`],
    ['a question mark in its query', 'seg.ts?v=1?2', `seg.ts?${Q}&v=1?2`],
    ['a player\'s options', 'a.m3u8|User-Agent=x y&Referer=z', `a.m3u8?${Q}|User-Agent=x y&Referer=z`],
    ['a player\'s options behind a query', 'a.m3u8?v=1#t|User-Agent=?', `a.m3u8?${Q}&v=1#t|User-Agent=?`],
    ['a player\'s options in a tag', '#EXT-X-MEDIA:URI="a.m3u8|User-Agent=x"', `#EXT-X-MEDIA:URI="a.m3u8?${Q}|User-Agent=x"`],
    ['a pipe in a name', 'a|b.ts', `a|b.ts?${Q}`],
    ['a pipe in a query', 'a.ts?v=1|2', `a.ts?${Q}&v=1|2`],
    ['white space around it', '  seg.ts \t', `  seg.ts?${Q} \t`],
    ['escapes', 'se%20g.ts', `se%20g.ts?${Q}`],
    ['other writing systems', 'дорожка.ts', `дорожка.ts?${Q}`],
    ['another port', 'https://live.example.com/1.ts', 'https://live.example.com/1.ts'],
    ['another scheme', 'http://live.example.com:8443/1.ts', 'http://live.example.com:8443/1.ts'],
    ['another host', 'https://cdn.example.com/1.ts', 'https://cdn.example.com/1.ts'],
    ['another host without a scheme', '//cdn.example.com/1.ts', '//cdn.example.com/1.ts'],
    ['another host with slashes that lean back', '\\\\cdn.example.com/1.ts', '\\\\cdn.example.com/1.ts'],
    ['another host with slashes that lean both ways', '/\\cdn.example.com/1.ts', '/\\cdn.example.com/1.ts'],
    ['another host behind a tab', '/\t/cdn.example.com/1.ts', '/\t/cdn.example.com/1.ts'],
    ['another host behind a control character', '\u0001//cdn.example.com/1.ts', '\u0001//cdn.example.com/1.ts'],
    ['another host behind a name', 'https://live.example.com:8443@cdn.example.com/1.ts', 'https://live.example.com:8443@cdn.example.com/1.ts'],
    ['a scheme without slashes', 'https:1.ts', `https:1.ts?${Q}`],
    ['a key in the playlist itself', 'data:text/plain;base64,AAAA', 'data:text/plain;base64,AAAA'],
    ['what is no URL', 'http://[', 'http://['],
    ['a comment', '# seg.ts', '# seg.ts'],
    ['an empty line', '', ''],
    ['a line of white space', ' \t', ' \t'],
    ['a tag without a URI', '#EXTINF:8.0,URI="x.ts"x', `#EXTINF:8.0,URI="x.ts?${Q}"x`],
    ['EXT-X-MEDIA', '#EXT-X-MEDIA:TYPE=AUDIO,NAME="a, URI=b",URI="a/b.m3u8",DEFAULT=YES', `#EXT-X-MEDIA:TYPE=AUDIO,NAME="a, URI=b",URI="a/b.m3u8?${Q}",DEFAULT=YES`],
    ['a name that looks like an attribute', '#EXT-X-MEDIA:NAME=",URI=",URI="b.m3u8"', `#EXT-X-MEDIA:NAME=",URI=",URI="b.m3u8?${Q}"`],
    ['EXT-X-MAP', '#EXT-X-MAP:URI="init.mp4",BYTERANGE="100@0"', `#EXT-X-MAP:URI="init.mp4?${Q}",BYTERANGE="100@0"`],
    ['EXT-X-KEY', '#EXT-X-KEY:METHOD=AES-128,URI="k.key?id=1",IV=0x1', `#EXT-X-KEY:METHOD=AES-128,URI="k.key?${Q}&id=1",IV=0x1`],
    ['EXT-X-KEY of another origin', '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x"', '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x"'],
    ['EXT-X-KEY without a URI', '#EXT-X-KEY:METHOD=NONE', '#EXT-X-KEY:METHOD=NONE'],
    ['EXT-X-I-FRAME-STREAM-INF', '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8"', `#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8?${Q}"`],
    ['EXT-X-PART', '#EXT-X-PART:DURATION=0.3,URI="p.m4s"', `#EXT-X-PART:DURATION=0.3,URI="p.m4s?${Q}"`],
    ['EXT-X-PRELOAD-HINT', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.m4s"', `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.m4s?${Q}"`],
    ['EXT-X-RENDITION-REPORT', '#EXT-X-RENDITION-REPORT:URI="../1M/w.m3u8",LAST-MSN=1', `#EXT-X-RENDITION-REPORT:URI="../1M/w.m3u8?${Q}",LAST-MSN=1`],
    ['EXT-X-SESSION-KEY', '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k"', `#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k?${Q}"`],
    ['EXT-X-SESSION-DATA', '#EXT-X-SESSION-DATA:DATA-ID="x",URI="d.json"', `#EXT-X-SESSION-DATA:DATA-ID="x",URI="d.json?${Q}"`],
    ['EXT-X-CONTENT-STEERING', '#EXT-X-CONTENT-STEERING:SERVER-URI="s.json"', `#EXT-X-CONTENT-STEERING:SERVER-URI="s.json?${Q}"`],
    ['EXT-X-DATERANGE', '#EXT-X-DATERANGE:ID="i",X-ASSET-URI="ad.m3u8",X-ASSET-LIST="ads.json"', `#EXT-X-DATERANGE:ID="i",X-ASSET-URI="ad.m3u8?${Q}",X-ASSET-LIST="ads.json?${Q}"`],
    ['EXT-X-PREFETCH', '#EXT-X-PREFETCH:p.ts', `#EXT-X-PREFETCH:p.ts?${Q}`],
    ['an empty URI', '#EXT-X-MAP:URI=""', '#EXT-X-MAP:URI=""']
  ]
  for (const [what, from, to] of lines) {
    it(`gives the client's query to same-origin URIs and to nothing else: ${what}`, () => {
      for (const [before, after] of [['', ''], ['#EXTM3U\n', '\n'], ['\ufeff#EXTM3U\r\n', '\r\n#EXTINF:8,\r\nx.ts\r\n']] as const) {
        const unchanged = (text: string): string => text.replace('x.ts', `x.ts?${Q}`)
        expect(rewrite(before + from + after)).to.equal(before + to + unchanged(after))
      }
    })
  }

  it('keeps a byte order mark and mixed line ends', () => {
    expect(rewrite('\ufeffa.ts\r\nb.ts\n\r\n\rc.ts\r')).to.equal(`\ufeffa.ts?${Q}\r\nb.ts?${Q}\n\r\n\rc.ts?${Q}\r`)
  })

  it('is unchanged but for URIs with a query of their own if the client has none', () => {
    expect(rewrite('#EXTM3U\na.ts\nb.ts?v=1#t\n#EXT-X-MAP:URI="i.mp4"', '')).to.equal('#EXTM3U\na.ts\nb.ts?&v=1#t\n#EXT-X-MAP:URI="i.mp4"')
  })

  it('gives its query to relative URIs alone if nobody can tell where it came from', () => {
    const compiled = compilePlaylist(Buffer.from('a.ts\nhttps://live.example.com:8443/b.ts'), { ...source, origin: 'http://[' })
    expect(written(compiled).toString()).to.equal(`a.ts?${Q}\nhttps://live.example.com:8443/b.ts`)
  })

  it('gives its query to the operator\'s own origins, and covers no directory of theirs, nor of the host that the client names', () => {
    const text = 'https://cdn.example.com/v/1.ts\nhttps://cdn.example.com:8443/1.ts\n//cdn.example.com/a/1.ts\nhttps://live.example.com:8443/b/1.ts\nhttps:1.ts\nc/1.ts'
    const compiled = compile(text, ['https://cdn.example.com'])
    expect(written(compiled).toString()).to.equal(
      `https://cdn.example.com/v/1.ts?${Q}\nhttps://cdn.example.com:8443/1.ts\n//cdn.example.com/a/1.ts?${Q}\nhttps://live.example.com:8443/b/1.ts?${Q}\nhttps:1.ts?${Q}\nc/1.ts?${Q}`)
    expect([compiled.directories, compiled.dependsOnOrigin]).to.deep.equal([['/static/live/s/c/'], true])
    expect(compile('a/1.ts').dependsOnOrigin).to.equal(false)
  })

  it('keeps every byte that is not its own, in whatever encoding', () => {
    const bytes = Buffer.from([...Buffer.from('#EXTINF:-1,'), 0xcf, 0xe5, 0xf0, 0xe2, 0xfb, 0xe9, 0xa0, 0x85, 10, ...Buffer.from('1/a.ts'), 10, 0xe9, 0xa0, 10])
    const from = bytes.indexOf('.ts') + 3
    expect(written(compile(bytes)).equals(Buffer.concat([bytes.subarray(0, from), Buffer.from(`?${Q}\n`), Buffer.from([0xe9, 0xa0]), Buffer.from(`?${Q}\n`)]))).to.equal(true)
    expect(compile('дорожка/a.ts').directories).to.deep.equal([`/static/live/s/${encodeURIComponent('дорожка')}/`])
  })

  it('tells recordings from what goes on', () => {
    for (const [text, is] of [
      ['#EXTM3U\n1.ts\n#EXT-X-ENDLIST', 'recording'], ['#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD\n', 'recording'], ['#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:8,\n1.ts\n', 'live'],
      ['#EXT-X-TARGETDURATION:8\n', 'live'], ['#EXT-X-STREAM-INF:BANDWIDTH=1\n1.m3u8', 'master']
    ] as const) {
      expect(compile(text).kind, text).to.equal(is)
    }
  })

  const DEFINES = '#EXT-X-DEFINE:NAME="dir",VALUE="a/b"\n#EXT-X-DEFINE:NAME="cdn",VALUE="https://cdn.example.com/"\n#EXT-X-DEFINE:VALUE="https://live.example.com:8443/",NAME="own"\n' +
    '#EXT-X-DEFINE:NAME="q",VALUE="?v=1"\n#EXT-X-DEFINE:IMPORT="far"\n#EXT-X-DEFINE:QUERYPARAM="token"\n'
  for (const [from, to] of [
    ['{$dir}/1.ts', `{$dir}/1.ts?${Q}`], ['{$own}1.ts', `{$own}1.ts?${Q}`], ['{$cdn}1.ts', '{$cdn}1.ts'], ['x/{$far}.ts', `x/{$far}.ts?${Q}`], ['{$far}/1.ts', '{$far}/1.ts'], ['/{$far}/1.ts', '/{$far}/1.ts'],
    ['https://live.example.com:8443{$far}/1.ts', 'https://live.example.com:8443{$far}/1.ts'], ['https://live.example.com:8443/{$far}', `https://live.example.com:8443/{$far}?${Q}`], ['h{$far}/1.ts', 'h{$far}/1.ts'],
    ['\u0001/{$far}/1.ts', '\u0001/{$far}/1.ts'], ['/\t{$far}/1.ts', '/\t{$far}/1.ts'], ['#EXT-X-MAP:URI=" /{$far}/i.mp4"', '#EXT-X-MAP:URI=" /{$far}/i.mp4"'],
    ['1.ts{$q}', `1.ts?${Q}&v=1`], ['{$token}.ts', '{$token}.ts'], ['#EXT-X-MAP:URI="{$dir}/i.mp4"', `#EXT-X-MAP:URI="{$dir}/i.mp4?${Q}"`]
  ] as const) {
    it(`gives no token away by its variables: ${from}`, () => { expect(rewrite(DEFINES + from)).to.equal(DEFINES + to) })
  }

  it('tells the directories of its relative URIs, each once', () => {
    const { directories } = compile('#EXT-X-MEDIA:URI="../audio/a.m3u8"\n720p/..\n720p/a.m3u8\n720p/b.m3u8\nhttps://cdn.example.com/x/y.m3u8\nc.ts\nd.ts\n/e.ts\nf/%2e%2e')
    expect(directories).to.deep.equal(['/static/live/audio/', '/static/live/s/', '/static/live/s/720p/', '/'])
  })

  it('tells every directory of a recording that spreads over thousands', () => {
    const compiled = compile(Array.from({ length: 2000 }, (_, index) => `${index}/a.ts`).join('\n'))
    expect(compiled.directories).to.have.length(2000)
    expect(written(compiled).toString().split('\n').every((line) => line.endsWith(`?${Q}`))).to.equal(true)
  })

  it('is the same to the byte once the queries are taken out again', () => {
    const line = fc.oneof(
      fc.constantFrom('#EXTM3U', '#EXTINF:8.0,', '#EXT-X-ENDLIST', '', ' ', '#', 'a.ts', 'https://cdn.example.com/a.ts', '#EXT-X-MAP:URI="i.mp4"', '#EXT-X-KEY:URI="a,b",IV=1,X="URI="'),
      fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text)), fc.webPath(), fc.string().map((text) => `#EXT-X-A:URI="${text.replace(/["\r\n]/g, '')}"`)
    )
    const playlist = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '\n\n'))).map((lines) => lines.flat().join(''))
    fc.assert(fc.property(fc.boolean(), playlist, (mark, text) => {
      const original = (mark ? '\ufeff' : '') + text.replaceAll('QQ', '')
      const rewritten = rewrite(original, 'QQ')
      // A URI with a query of its own has got an `&` after it.
      expect(rewritten.replace(/\?QQ&/g, '?').replace(/\?QQ/g, '')).to.equal(original.replace(/\?QQ&/g, '?'))
      expect(rewrite(original, '').replace(/\?&/g, '?')).to.equal(original.replace(/\?&/g, '?'))
    }), { seed: 1, numRuns: 2000 })
  })

  it('never gives the query to a URI that a browser would take elsewhere', () => {
    const piece = fc.constantFrom('/', '//', '\\', '\t', ' ', 'http:', 'https:', 'cdn.example.com', 'live.example.com:8443', '@', ':', '?', '#', 'a', '.', '..', '\u0001', 'data:', '{', '%2f')
    fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
      const uri = pieces.join('').trim()
      if (uri === '' || uri.startsWith('#')) return
      const rewritten = rewrite(uri)
      if (rewritten === uri) return
      const base = source.origin + source.path
      expect(new URL(rewritten, base).origin).to.equal(new URL(uri, base).origin).and.to.equal(source.origin)
    }), { seed: 1, numRuns: 5000 })
  })
})

describe('a query', () => {
  it('is put before the URI\'s own', () => {
    expect(rewrite('a', 'q')).to.equal('a?q')
    expect(rewrite('a?b', 'q')).to.equal('a?q&b')
    expect(rewrite('a#?b', 'q')).to.equal('a?q#?b')
    expect(rewrite('a', '')).to.equal('a')
    expect(rewrite('a?&b', '')).to.equal('a?&&b')
    expect(rewrite('a\n&b\n', '')).to.equal('a\n&b\n')
  })

  it('may hold what a replacement would read as a pattern', () => {
    expect(rewrite('a?b', '$&=$1')).to.equal('a?$&=$1&b')
  })
})
