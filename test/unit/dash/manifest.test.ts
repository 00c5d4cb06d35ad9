import { expect } from 'chai'
import { compileManifest } from '../../../lib/dash/manifest.js'
import type { CompiledPlaylist } from '../../../lib/hls/playlist.js'

const source = { origin: 'https://live.example.com:8443', path: '/static/live/s/index.mpd' }
/** What a viewer's query may hold that means something in XML or in a template. */
const Q = 'token=1&x=\'<$>'
const W = 'token=1&amp;x=&apos;&lt;%24&gt;'
const compile = (text: string | Buffer, ownOrigins?: string[]): CompiledPlaylist => compileManifest(Buffer.from(text), source, ownOrigins)
const written = ({ template }: CompiledPlaylist, query = Q): Buffer => Buffer.concat([...template.read(query)])
const rewrite = (text: string | Buffer, query = Q): string => {
  const compiled = compile(text)
  expect(compiled.refusal).to.equal(undefined)
  expect(compiled.template.byteLength(query)).to.equal(written(compiled, query).length)
  return written(compiled, query).toString()
}

const ROOT = '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic">'
const mpd = (inner: string): string => `${ROOT}${inner}</MPD>`
const period = (inner: string): string => mpd(`<Period>${inner}</Period>`)
const set = (inner: string): string => period(`<AdaptationSet>${inner}</AdaptationSet>`)
const representation = (inner: string, attributes = 'id="v1" bandwidth="5000"'): string => set(`<Representation ${attributes}>${inner}</Representation>`)
const segment = (uri: string): string => representation(`<SegmentList><SegmentURL media="${uri}"/></SegmentList>`)
const pattern = (media: string, attributes?: string): string => representation(`<SegmentTemplate media="${media}"/>`, attributes)

describe('a DASH manifest', () => {
  const own: [what: string, from: string, to: string][] = [
    ['media of a template', pattern('chunk-$Number%05d$.m4s'), pattern(`chunk-$Number%05d$.m4s?${W}`)],
    ['every attribute of a template', representation('<SegmentTemplate timescale="1" initialization="i-$RepresentationID$.m4s" index="x.idx" bitstreamSwitching=\'b.m4s\' media="$Time$.m4s"/>'),
      representation(`<SegmentTemplate timescale="1" initialization="i-$RepresentationID$.m4s?${W}" index="x.idx?${W}" bitstreamSwitching='b.m4s?${W}' media="$Time$.m4s?${W}"/>`)],
    ['what stands in a template', representation('<SegmentTemplate><Initialization sourceURL="i.mp4"/><RepresentationIndex sourceURL="x"/><BitstreamSwitching sourceURL="b"/></SegmentTemplate>'),
      representation(`<SegmentTemplate><Initialization sourceURL="i.mp4?${W}"/><RepresentationIndex sourceURL="x?${W}"/><BitstreamSwitching sourceURL="b?${W}"/></SegmentTemplate>`)],
    ['a list of segments', representation('<SegmentList><Initialization sourceURL="i.mp4" range="0-1"/><SegmentURL media="1.m4s" index="1.idx" mediaRange="0-9"/><SegmentURL mediaRange="0-9"/></SegmentList>'),
      representation(`<SegmentList><Initialization sourceURL="i.mp4?${W}" range="0-1"/><SegmentURL media="1.m4s?${W}" index="1.idx?${W}" mediaRange="0-9"/><SegmentURL mediaRange="0-9"/></SegmentList>`)],
    ['a file with an index', representation('<BaseURL>video.mp4</BaseURL><SegmentBase indexRange="0-9"><RepresentationIndex sourceURL="video.idx"/></SegmentBase>'),
      representation(`<BaseURL>video.mp4?${W}</BaseURL><SegmentBase indexRange="0-9"><RepresentationIndex sourceURL="video.idx?${W}"/></SegmentBase>`)],
    ['no directory, which drops it', set('<BaseURL>video/</BaseURL><BaseURL> ../v/?x=1 </BaseURL><BaseURL/><BaseURL></BaseURL>'), set('<BaseURL>video/</BaseURL><BaseURL> ../v/?x=1 </BaseURL><BaseURL/><BaseURL></BaseURL>')],
    ['where it is fetched again', mpd('<Location>index.mpd</Location><PatchLocation ttl="60">p.mpp?v=1</PatchLocation><ContentSteering>s.dcsm</ContentSteering>'),
      mpd(`<Location>index.mpd?${W}</Location><PatchLocation ttl="60">p.mpp?${W}&amp;v=1</PatchLocation><ContentSteering>s.dcsm?${W}</ContentSteering>`)],
    ['parts of it in other files', mpd('<Period xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="p2.xml" xlink:actuate="onLoad"/>'),
      mpd(`<Period xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="p2.xml?${W}" xlink:actuate="onLoad"/>`)],
    ['initialization for all', mpd('<InitializationSet id="1" initialization="i.mp4"/><InitializationGroup initialization="g.mp4"/>'), mpd(`<InitializationSet id="1" initialization="i.mp4?${W}"/><InitializationGroup initialization="g.mp4?${W}"/>`)],
    ['a query of its own', segment('1.m4s?v=1&amp;w=2#t'), segment(`1.m4s?${W}&amp;v=1&amp;w=2#t`)],
    ['an empty query of its own', segment('1.m4s?'), segment(`1.m4s?${W}&amp;`)],
    ['a fragment', segment('1.m4s#t?x'), segment(`1.m4s?${W}#t?x`)],
    ['characters that are written as others', segment('a&#x3f;b&#38;c&#x23;d'), segment(`a?${W}&amp;b&amp;c#d`)],
    ['characters whose last byte is a slash', segment('&#x12f;&#x12f;cdn.example.com/1.m4s'), segment(`įįcdn.example.com/1.m4s?${W}`)],
    ['line ends that are written as characters', segment('a&#10;b&#9;.m4s'), segment(`a&#10;b&#9;.m4s?${W}`)],
    ['white space around it', segment(' \n1.m4s\t'), segment(` 1.m4s?${W} `).replace(/(?<=media=")[^"]*/, `1.m4s?${W}`)],
    ['white space around a text', representation('<BaseURL>\r\n  v.mp4\n</BaseURL>').replace('\r', ''), representation(`<BaseURL>\n  v.mp4?${W}\n</BaseURL>`)],
    ['a section of characters', representation('<BaseURL><![CDATA[v.mp4?a=1&b=2]]></BaseURL>'), representation(`<BaseURL>v.mp4?${W}&amp;a=1&amp;b=2</BaseURL>`)],
    ['a comment in a text', representation('<BaseURL>v<!-- x -->.mp4</BaseURL>'), representation(`<BaseURL>v.mp4?${W}</BaseURL>`)],
    ['other writing systems', segment('дорожка/1.m4s') + '<!-- ж -->', segment(`дорожка/1.m4s?${W}`) + '<!-- ж -->'],
    ['other writing systems before it', representation('<Title>дорожка</Title><BaseURL>&#1078;.mp4</BaseURL><SegmentBase><Initialization sourceURL="é"/></SegmentBase>'),
      representation(`<Title>дорожка</Title><BaseURL>ж.mp4?${W}</BaseURL><SegmentBase><Initialization sourceURL="é?${W}"/></SegmentBase>`)],
    ['prefixes', '<d:MPD xmlns:d="urn:mpeg:dash:schema:mpd:2011"><d:Period><d:AdaptationSet><d:Representation id="1"><d:BaseURL>v.mp4</d:BaseURL></d:Representation></d:AdaptationSet></d:Period></d:MPD>',
      `<d:MPD xmlns:d="urn:mpeg:dash:schema:mpd:2011"><d:Period><d:AdaptationSet><d:Representation id="1"><d:BaseURL>v.mp4?${W}</d:BaseURL></d:Representation></d:AdaptationSet></d:Period></d:MPD>`],
    ['an absolute path', segment('/static/live/s/1.m4s'), segment(`/static/live/s/1.m4s?${W}`)],
    ['the same origin', segment('https://live.example.com:8443/static/1.m4s'), segment(`https://live.example.com:8443/static/1.m4s?${W}`)],
    ['what is relative to the same origin', representation('<BaseURL>https://LIVE.example.com:8443/a/</BaseURL><SegmentTemplate media="$Number$.m4s"/>'),
      representation(`<BaseURL>https://LIVE.example.com:8443/a/</BaseURL><SegmentTemplate media="$Number$.m4s?${W}"/>`)],
    ['a dollar in a template', pattern('a$$b-$Number$.m4s'), pattern(`a$$b-$Number$.m4s?${W}`)],
    ['a template with a number in its directory', pattern('$Number$/1.m4s?v=$Time$'), pattern(`$Number$/1.m4s?${W}&amp;v=$Time$`)]
  ]
  for (const [what, from, to] of own) {
    it(`gives the client's query to its own URIs: ${what}`, () => { expect(rewrite(from)).to.equal(to) })
  }

  const strange: [what: string, text: string][] = [
    ['another host', segment('https://cdn.example.com/1.m4s')],
    ['another host without a scheme', segment('//cdn.example.com/1.m4s')],
    ['another host with slashes that lean back', segment('\\\\cdn.example.com/1.m4s')],
    ['another port', segment('https://live.example.com/1.m4s')],
    ['another scheme', segment('http://live.example.com:8443/1.m4s')],
    ['what is relative to another host', representation('<BaseURL>https://cdn.example.com/</BaseURL><SegmentTemplate media="$Number$.m4s" initialization="i.m4s"/>')],
    ['what is relative to another host three levels above', mpd('<BaseURL>https://cdn.example.com/</BaseURL><Period><BaseURL>p/</BaseURL><AdaptationSet><SegmentTemplate media="$Number$.m4s"/><Representation><BaseURL>v/v.mp4</BaseURL></Representation></AdaptationSet></Period>')],
    ['what one of the representations fetches elsewhere', set('<SegmentTemplate media="$Number$.m4s"/><Representation/><Representation><BaseURL>//cdn.example.com/</BaseURL></Representation>')],
    ['what one of the alternatives has elsewhere', representation('<BaseURL>a/</BaseURL><BaseURL>https://cdn.example.com/</BaseURL><SegmentTemplate media="$Number$.m4s"/>')],
    ['what has a base behind it', representation('<SegmentTemplate media="$Number$.m4s"/><BaseURL>https://cdn.example.com/</BaseURL>')],
    ['what has a base that is no text', representation('<BaseURL>a<b/>/</BaseURL><SegmentTemplate media="$Number$.m4s"/>')],
    ['what has a base that is no URL', representation('<BaseURL>http://[</BaseURL><SegmentTemplate media="$Number$.m4s"/>')],
    ['what has data for a base', representation('<BaseURL>data:text/plain,x</BaseURL><SegmentTemplate media="$Number$.m4s"/>')],
    ['another host in the name of a representation', pattern('$RepresentationID$/1.m4s', 'id="//cdn.example.com"')],
    ['another host in the name of one representation', set('<SegmentTemplate media="$RepresentationID$/1.m4s"/><Representation id="a"/><Representation id="https://cdn.example.com"/>')],
    ['another host behind an empty name', pattern('/$RepresentationID$/cdn.example.com/1.m4s', 'id=""')],
    ['another host behind an unknown identifier', pattern('/$Foo$/cdn.example.com/1.m4s')],
    ['a name that is not there', pattern('$RepresentationID$.m4s', '')],
    ['a name with a query in it', pattern('$RepresentationID$.m4s', 'id="a?b"')],
    ['a port that is counted', pattern('https://live.example.com:844$Number$/1.m4s')],
    ['a host that is counted', pattern('https://$Time$.example.com/1.m4s')],
    ['a host behind a line end', segment('https://live.example.com:8443&#10;.cdn.example.com/1.m4s')],
    ['another host behind slashes that are written as characters', segment('&#x2f;&#47;cdn.example.com/1.m4s')],
    ['where a part stands that is not there', mpd('<Period xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/>')],
    ['places elsewhere', mpd('<Location>https://cdn.example.com/x.mpd</Location><PatchLocation>//cdn.example.com/</PatchLocation>')],
    ['attributes of other elements', mpd('<Period media="a" sourceURL="b" constructor="x"><constructor name="x" toString="y"/><SegmentTemplate constructor="x" duration="1"/></Period>')],
    ['texts of other elements', mpd('<ProgramInformation moreInformationURL="x"><Title>BaseURL</Title></ProgramInformation><Period><X><BaseURL>x</BaseURL></X></Period>')],
    ['what is commented out', mpd('<!-- <BaseURL>v.mp4</BaseURL> --><?x <BaseURL>v.mp4</BaseURL> ?><Period><![CDATA[<BaseURL>v.mp4</BaseURL>]]></Period>')],
    ['an empty one', representation('<SegmentTemplate media="" initialization=" "/>')],
    ['one that is longer than any request', segment('a'.repeat(7000))],
    ['what is relative to one that is longer than any request', representation(`<BaseURL>${'a'.repeat(7000)}/</BaseURL><SegmentTemplate media="1.m4s"/>`)]
  ]
  for (const [what, text] of strange) {
    it(`leaves as it is: ${what}`, () => { expect(rewrite(text).replace(`v/v.mp4?${W}`, 'not')).to.equal(text) })
  }

  it('keeps every byte that is not a link: declarations, comments, line ends, quotes, a byte order mark', () => {
    const text = `\ufeff<?xml version='1.0'  encoding="utf-8" ?>\r\n<!-- <SegmentURL media="x"/> --><?p q?>\r\n${representation('<SegmentTemplate  media = \'1.m4s\'\r\n  startNumber="1"></SegmentTemplate\n><x:y xmlns:x="z" a="&lt;&#10;"/>')}\r\n<!--end-->\n`
    expect(rewrite(text)).to.equal(text.replace('1.m4s', `1.m4s?${W}`))
  })

  it('is unchanged but for URIs with a query of their own if the client has none', () => {
    expect(rewrite(segment('1.m4s'), '')).to.equal(segment('1.m4s'))
    expect(rewrite(segment('1.m4s?v=1'), '')).to.equal(segment('1.m4s?&amp;v=1'))
  })

  it('gives the query to origins that are the operator\'s, too, and covers nothing there', () => {
    const text = representation('<BaseURL>https://cdn.example.com/a/</BaseURL><SegmentTemplate media="$Number$.m4s"/>')
    const compiled = compile(text, ['https://cdn.example.com'])
    expect(written(compiled, 't=1').toString()).to.equal(text.replace('.m4s', '.m4s?t=1'))
    expect([compiled.directories, compiled.dependsOnOrigin]).to.deep.equal([[], true])
  })

  for (const [what, text, directories] of [
    ['its own', pattern('1.m4s'), ['/static/live/s/']],
    ['those of its bases', mpd('<BaseURL>a/</BaseURL><Period><BaseURL>b/</BaseURL><BaseURL>../c/</BaseURL><AdaptationSet><Representation id="1"><BaseURL>d/v.mp4</BaseURL></Representation></AdaptationSet></Period>'), ['/static/live/s/a/b/d/', '/static/live/s/c/d/']],
    ['those of its representations', set('<SegmentTemplate media="$RepresentationID$/$Bandwidth%04d$/$Number$.m4s"/><Representation id="v1" bandwidth="1"/><Representation id="v2" bandwidth="20000"/>'), ['/static/live/s/v1/0001/', '/static/live/s/v2/20000/']],
    ['none that is counted', pattern('$Number$/1.m4s'), []],
    ['none of an absolute URI', segment('https://live.example.com:8443/static/live/other/1.m4s'), []]
  ] as const) {
    it(`covers directories: ${what}`, () => { expect(compile(text).directories).to.have.members([...directories]) })
  }

  for (const [attributes, kind, targetMs] of [
    ['type="dynamic" minimumUpdatePeriod="PT500S" maxSegmentDuration="PT2.0S"', 'live', 2000], ['type="dynamic" minimumUpdatePeriod="PT4S"', 'live', 4000], ['type="dynamic"', 'live', 0],
    ['type="static" maxSegmentDuration="P0Y0M0DT0H0M9.5S"', 'recording', 9500], ['', 'recording', 0], ['type="dynamic" maxSegmentDuration="PT1e9S"', 'live', 0], ['type="dynamic" maxSegmentDuration="P1DT1H1M"', 'live', 90_060_000]
  ] as const) {
    it(`is ${kind} with segments of ${targetMs} ms: ${attributes}`, () => { expect(compile(`<MPD ${attributes}/>`)).to.include({ kind, targetMs }) })
  }

  for (const [what, text] of [
    ['nothing', ''], ['no XML', '#EXTM3U\n1.ts\n'], ['no end', '<MPD><Period>'], ['another root', '<html></html>'], ['two roots', '<MPD/><MPD/>'], ['an attribute twice', '<MPD a="1" a="2"/>'],
    ['an empty document type', '<!DOCTYPE MPD><MPD/>'], ['entities', '<!DOCTYPE MPD [<!ENTITY a "x">]><MPD><BaseURL>&a;</BaseURL></MPD>'],
    ['entities that explode', `<!DOCTYPE MPD [<!ENTITY a0 "x">${Array.from({ length: 20 }, (_, n) => `<!ENTITY a${n + 1} "&a${n};&a${n};">`).join('')}]><MPD>&a20;</MPD>`],
    ['another file as an entity', '<!DOCTYPE MPD [<!ENTITY a SYSTEM "file:///etc/passwd">]><MPD>&a;</MPD>'], ['an unknown entity', '<MPD>&nbsp;</MPD>'],
    ['another encoding', '<?xml version="1.0" encoding="UTF-7"?><MPD/>'], ['bytes of another encoding', Buffer.from('<MPD>\xe9</MPD>', 'latin1')], ['no character of XML', '<MPD>\u0001</MPD>']
  ] as const) {
    it(`is refused if it has ${what}`, () => {
      const compiled = compile(text)
      expect(compiled.refusal).to.match(/^the manifest cannot be read: /)
      expect(written(compiled)).to.have.length(0)
    })
  }

  const MB = 1024 * 1024
  const many = (count: number, write: (n: number) => string): string => Array.from({ length: count }, (_, n) => write(n)).join('')
  const alternatives = many(15, (n) => `<BaseURL>${n}/</BaseURL>`)
  const list = (urls: string): string => representation(`<SegmentList>${urls}</SegmentList>`)
  for (const [what, text, isRefused] of [
    ['as many segments as it may have', list(many(120_000, (n) => `<SegmentURL media="${n}.m4s"/>`)), false],
    ['a directory for each segment', list(many(120_000, (n) => `<SegmentURL media="${n}/a"/>`)), false],
    ['elements within elements', `${'<MPD>'.repeat(300_000)}${'</MPD>'.repeat(300_000)}`, false],
    ['levels within levels, each with a base', mpd(`${'<Period><BaseURL>aaaa</BaseURL>'.repeat(60_000)}${'</Period>'.repeat(60_000)}`), false],
    ['an attribute as long as it may be', segment('a'.repeat(4 * MB)), false],
    ['an attribute of references to characters', segment('&#97;'.repeat(600_000)), false],
    ['a text of references to characters', representation(`<BaseURL>${'&#97;'.repeat(600_000)}</BaseURL>`), false],
    ['a text of sections', representation(`<BaseURL>${'<![CDATA[a]]>'.repeat(250_000)}</BaseURL>`), false],
    ['a base as long as it may be, and many below it', mpd(`<BaseURL>${'a'.repeat(2 * MB)}/</BaseURL>${'<Period><BaseURL>a</BaseURL></Period>'.repeat(50_000)}`), false],
    ['attributes without end', `<MPD ${many(200_000, (n) => `a${n}="" `)}/>`, false],
    ['a comment without end', `<MPD><!--${'-'.repeat(4 * MB)}`, true],
    ['a document type without end', `<!DOCTYPE MPD [${'<!ENTITY a "x">'.repeat(200_000)}`, true],
    ['alternatives on each of four levels', mpd(`${alternatives}<Period>${alternatives}<AdaptationSet>${alternatives}<Representation>${alternatives}<SegmentTemplate media="a"/></Representation></AdaptationSet></Period>`), true],
    ['bases for each of many representations', period(`<AdaptationSet><SegmentTemplate media="a"/>${many(9000, (n) => `<BaseURL>${n}/</BaseURL>`)}${'<Representation/>'.repeat(50_000)}</AdaptationSet>`), true],
    ['templates for each of many representations', period(`<AdaptationSet>${'<SegmentTemplate media="$RepresentationID$.m4s"/>'.repeat(10_000)}${many(50_000, (n) => `<Representation id="${n}"/>`)}</AdaptationSet>`), true],
    ['long templates for each of many representations', period(`<AdaptationSet>${`<SegmentTemplate media="${'$RepresentationID$'.repeat(300)}"/>`.repeat(100)}${many(2000, (n) => `<Representation id="${n}${'i'.repeat(500)}"/>`)}</AdaptationSet>`), true],
    ['long names for each of many representations', period(`<AdaptationSet>${`<SegmentTemplate media="${'$RepresentationID$'.repeat(11)}"/>`.repeat(30)}${many(4000, (n) => `<Representation id="${n}${'i'.repeat(500)}"/>`)}</AdaptationSet>`), true]
  ] as const) {
    it(`is ${isRefused ? 'refused' : 'compiled'} in time, with ${what}`, () => {
      expect(text.length).to.be.lessThan(4.3 * MB)
      expect(compile(text).refusal !== undefined).to.equal(isRefused)
    })
  }
})
