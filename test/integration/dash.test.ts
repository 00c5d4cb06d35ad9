import { expect } from 'chai'
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dashManifest, dashStream, targetsOf } from '../support/dash-files.js'
import { CARRIERS, fileClient, type FileClient } from '../support/file-clients.js'
import { hlsStream } from '../support/hls-files.js'
import { MOUNT } from '../support/hosts.js'
import { sleep, until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const MAX = 300_000
const REFUSED: Readonly<Record<string, readonly [content: string | Buffer, reason: string]>> = {
  broken: ['<MPD><Period>', 'the manifest cannot be read'],
  doctype: ['<!DOCTYPE MPD [<!ENTITY a "x">]><MPD>&a;</MPD>', 'a document type is not allowed'],
  html: ['<html></html>', 'it is not an MPD'],
  latin: [Buffer.from('<MPD>\xe9</MPD>', 'latin1'), 'not in UTF-8'],
  utf16: [Buffer.from('\ufeff<MPD/>', 'utf16le'), 'the manifest is not text'],
  large: [`<MPD>${' '.repeat(MAX)}</MPD>`, `the manifest has more than ${MAX} bytes`],
  grows: [`<MPD><Period><SegmentList>${'<SegmentURL media="a"/>'.repeat(10_000)}</SegmentList></Period></MPD>`, 'with the query in each link']
}

describe('DASH behind the door', function () {
  this.timeout(60_000)
  let root: string
  const { backend, server, keep } = withServer({
    options: {
      hlsIdleMs: 1000, log: 'verdicts', files: { maxPlaylistBytes: MAX }, limits: { whenFull: 'denyNew' },
      rules: [{ protocol: 'dash', path: '/live/nodash', verdict: 'deny' }, { protocol: 'hls', path: '/live/nohls', verdict: 'deny' }]
    },
    files: {
      ...dashStream('live/s'), ...hlsStream('live/s', { segments: 3 }), 'live/s/1.m4s': 100, 'live/s/whole.mp4': 100,
      ...dashStream('live/nodash'), ...hlsStream('live/nodash', { segments: 1 }), ...dashStream('live/nohls'), ...hlsStream('live/nohls', { segments: 1 }),
      ...dashStream('live/fast', { segmentS: 0.2 }), ...dashStream('live/vod', { type: 'static', segmentS: 0.2 }), 'live/other/1.m4s': 100,
      ...Object.fromEntries(Object.entries(REFUSED).map(([name, [content]]) => [`live/s/${name}.mpd`, content]))
    }
  })
  before(() => { root = join(server.dir, 'static') })
  const endAll = (): Promise<void> => server.evaluate(async ({ auth }) => { for (const { id } of auth!.sessions()) await auth!.end({ id }) })
  afterEach(async () => {
    await endAll()
    await server.waitFor(({ auth }) => auth?.stats().viewers === 0 && auth.stats().held === 0)
  })
  const player = (more: Parameters<typeof fileClient>[1] = {}): FileClient => keep(fileClient(server.ports, more))
  const target = (query: string, name = 'live/s/index.mpd'): string => `${MOUNT}/${name}?${query}`
  const protocols = async (): Promise<string[]> => server.evaluate(({ auth }) => auth!.sessions().map(({ protocol }) => protocol).sort())

  for (const over of CARRIERS) {
    it(`asks once for a manifest and all that it leads to, by one token that is good for one question (${over})`, async () => {
      let asked = 0
      backend.answer(() => ({ status: asked++ === 0 ? 200 : 403 }))
      const client = player({ over, headers: { 'user-agent': `player/${over}` } })
      const manifest = await client.get(target('token=once&x=1'))
      expect([manifest.status, manifest.headers['content-type'], manifest.headers['access-control-allow-origin']]).to.deep.equal([200, 'application/dash+xml', '*'])
      expect(manifest.text).to.equal(dashManifest().replace('init.mp4', 'init.mp4?token=once&amp;x=1').replace('.m4s', '.m4s?token=once&amp;x=1'))
      const targets = targetsOf(manifest.text, target(''))
      expect(targets).to.have.length(42).and.include.members([target('token=once&x=1', 'live/s/720p/init.mp4'), target('token=once&x=1', 'live/sound/audio/020.m4s')])
      for (const each of targets) {
        const { status, body } = await client.get(each)
        expect([status, body.length], each).to.deep.equal([200, 512])
      }
      expect((await client.get(target('token=once&x=1'))).status).to.equal(200)
      expect(backend.requests).to.have.length(1)
      expect(backend.requests[0]?.headers).to.include({ 'x-real-path': `${MOUNT}/live/s/index.mpd`, 'x-real-ip': '127.0.0.1' })
      const id = String(backend.requests[0]?.headers['x-session-id'])
      const events = (await server.events()).filter((event) => event.id === id)
      expect(events.map(({ event, streamPath }) => [event, streamPath])).to.deep.equal([['prePlay', '/live/s'], ['postPlay', '/live/s']])
      expect((await server.evaluate(({ auth }) => auth!.sessions()))[0]).to.deep.include({ id, protocol: 'dash', streamPath: '/live/s' })
      expect((await player({ over }).get(targets[1]!)).status, 'another player').to.equal(403)
      await server.waitForEvent({ event: 'donePlay', id })
    })
  }

  it('asks for each of a stream\'s two protocols, and segments go on either', async () => {
    const client = player()
    expect((await client.get(target('token=123', 'live/s/index.m3u8'))).status).to.equal(200)
    expect((await client.get(target('token=123'))).status).to.equal(200)
    expect(await protocols()).to.deep.equal(['dash', 'hls'])
    for (const name of ['live/s/1.m4s', 'live/s/720p/001.m4s', 'live/sound/audio/001.m4s', 'live/s/720p/0.ts', 'live/s/whole.mp4']) expect((await client.get(target('token=123', name))).status, name).to.equal(200)
    expect((await server.verdicts()).slice(-2).map(({ request }) => [request.protocol, request.streamPath])).to.deep.equal([['hls', '/live/s'], ['dash', '/live/s']])
    expect(backend.requests).to.have.length(2)
    expect((await client.get(target('token=123', 'live/other/1.m4s'))).status).to.equal(200)
    expect(backend.requests, 'what no manifest leads to is asked for by itself').to.have.length(3)
  })

  for (const [stream, dash, hls] of [['nodash', 403, 200], ['nohls', 200, 403]] as const) {
    it(`has rules of its own, also on one connection (${stream})`, async () => {
      const client = player()
      for (let round = 0; round < 2; round++) {
        expect((await client.get(target('token=123', `live/${stream}/index.mpd`))).status).to.equal(dash)
        expect((await client.get(target('token=123', `live/${stream}/index.m3u8`))).status).to.equal(hls)
      }
      expect((await client.get(target('token=123', `live/${stream}/720p/001.m4s`))).status).to.equal(200)
    })
  }

  for (const [query, written] of [
    ['token=123&a=$Number$&b=$$', 'token=123&amp;a=%24Number%24&amp;b=%24%24'], ['token=123&a=\'<>', 'token=123&amp;a=&apos;&lt;&gt;'], ['token=123&a=%26amp;&b', 'token=123&amp;a=%26amp;&amp;b']
  ] as const) {
    it(`carries a query that means something to XML or to a template: ${query}`, async () => {
      const client = player()
      const { text } = await client.get(target(query))
      expect(text).to.contain(`/$Number%03d$.m4s?${written}"`)
      const asPlayer = written.replaceAll('&amp;', '&').replace('&apos;', '\'').replace('&lt;', '<').replace('&gt;', '>')
      for (const more of ['', '&CMCD=x']) expect((await client.get(target(asPlayer + more, 'live/s/720p/001.m4s'))).status).to.equal(200)
      expect(backend.requests).to.have.length(1)
      expect(backend.requests[0]?.query).to.equal(query)
    })
  }

  it('answers conditions, ranges and HEAD by the text that this viewer gets', async () => {
    const client = player()
    const { text, headers: { etag } } = await client.get(target('token=123'))
    expect(etag).to.match(/^"[\w-]{27}"$/)
    const unchanged = await client.get(target('token=123'), { headers: { 'if-none-match': String(etag) } })
    expect([unchanged.status, unchanged.body.length]).to.deep.equal([304, 0])
    const part = await client.get(target('token=123'), { headers: { range: 'bytes=40-300' } })
    expect([part.status, part.text]).to.deep.equal([206, text.slice(40, 301)])
    const head = await client.get(target('token=123'), { method: 'HEAD' })
    expect([head.status, head.body.length, head.headers['content-length'], head.headers['etag']]).to.deep.equal([200, 0, String(text.length), etag])
    expect((await player({ headers: { 'user-agent': 'other' } }).get(target('x=1&token=123'))).headers['etag']).to.not.equal(etag)
    const file = join(root, 'live/s/index.mpd')
    await utimes(file, new Date(0), new Date(Date.now() - 60_000))
    for (let round = 0; round < 2; round++) expect((await client.get(target('token=123'))).headers['etag']).to.equal(etag)
    await writeFile(file, dashManifest().replace('PT500S', 'PT501S'))
    expect((await client.get(target('token=123'))).text).to.equal(text.replace('PT500S', 'PT501S'))
    await writeFile(file, dashManifest())
    expect((await client.get(target('token=123'))).headers['etag']).to.equal(etag)
    for (const method of ['GET', 'HEAD']) {
      const no = await client.get(target('token=no'), { method, headers: { 'if-none-match': String(etag) } })
      expect([no.status, no.headers['etag']]).to.deep.equal([403, undefined])
    }
  })

  for (const [name, [, reason]] of Object.entries(REFUSED)) {
    it(`refuses a manifest that cannot be rewritten, each time: ${name}`, async () => {
      const client = player()
      await utimes(join(root, `live/s/${name}.mpd`), new Date(0), new Date(Date.now() - 60_000))
      for (let round = 0; round < 3; round++) {
        const { status, text, headers } = await client.get(target('token=123', `live/s/${name}.mpd`))
        expect(status).to.equal(500)
        expect(text).to.contain(reason)
        expect(headers).to.include({ 'access-control-allow-origin': '*', 'cache-control': 'no-store' })
      }
      expect((await client.get(target('token=123'))).status).to.equal(200)
    })
  }

  it('lets another device in once the first of a live stream is gone, and not while it pauses a recording', async () => {
    backend.answer({ status: 200, headers: { 'X-UserId': 'u', 'X-Max-Sessions': '1' } })
    const [one, two] = [player({ headers: { 'user-agent': 'one' } }), player({ headers: { 'user-agent': 'two' } })]
    for (const [name, first] of [['vod', 200], ['fast', 200]] as const) {
      const manifest = await one.get(target('user', `live/${name}/index.mpd`))
      expect(manifest.status, name).to.equal(first)
      expect((await one.get(targetsOf(manifest.text, target('user', `live/${name}/index.mpd`))[1]!)).status).to.equal(200)
      expect((await two.get(target('user', 'live/s/index.mpd'))).status, 'the first plays').to.equal(403)
      await sleep(800)
      expect((await two.get(target('user', 'live/s/index.mpd'))).status, name).to.equal(name === 'vod' ? 403 : 200)
    }
  })

  it('takes one place of its user\'s limit, with HLS of the same stream on the same device, and zaps', async () => {
    backend.answer({ status: 200, headers: { 'X-UserId': 'zap', 'X-Max-Sessions': '1' } })
    const client = player({ headers: { 'user-agent': 'tv' } })
    for (const name of ['live/s/index.mpd', 'live/s/index.m3u8', 'live/s/720p/001.m4s']) expect((await client.get(target('user', name))).status, name).to.equal(200)
    expect(await protocols()).to.deep.equal(['dash', 'hls'])
    expect((await player({ headers: { 'user-agent': 'phone' } }).get(target('user'))).status).to.equal(403)
    expect((await client.get(target('user', 'live/fast/index.mpd'))).status).to.equal(200)
    await until(async () => (await protocols()).join() === 'dash', 'the sessions of the stream that it left end')
  })

  it('ends with the session: a segment of it is then asked for again', async () => {
    const client = player()
    const { text } = await client.get(target('token=123'))
    const [init = '', first = ''] = targetsOf(text, target(''))
    expect((await client.get(init)).status).to.equal(200)
    backend.answer({ status: 403 })
    expect((await client.get(first)).status).to.equal(200)
    await endAll()
    expect((await client.get(first)).status).to.equal(403)
    expect((await client.get(target('token=123'))).status).to.equal(403)
  })
})
