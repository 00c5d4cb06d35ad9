import { expect } from 'chai'
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CARRIERS, fileClient } from '../support/file-clients.js'
import { IS_V2, MOUNT } from '../support/hosts.js'
import { withServer } from '../support/with-server.js'

const PLAYLIST = '\ufeff#EXTM3U\r\n#EXT-X-KEY:METHOD=AES-128,URI="enc.key"\r\n#EXTINF:8,\r\n1.ts?v=1#t\r\nhttps://cdn.example.com/2.ts\r\n'
const REWRITTEN = PLAYLIST.replace('enc.key', 'enc.key?token=123').replace('1.ts?', '1.ts?token=123&')
/** A title in Cyrillic, one byte for each letter. */
const CP1251 = Buffer.concat([Buffer.from('#EXTM3U\n#EXTINF:-1,'), Buffer.from('cfe5f0e2fbe9a0eae0ede0eb', 'hex'), Buffer.from('\n1.ts\n')])
/** More than one piece of it is made at a time. */
const LONG = `#EXTM3U\n${'segment.ts\n'.repeat(6000)}#EXT-X-ENDLIST\n`
const MAX = 200_000

describe('playlists on their way to a viewer', function () {
  this.timeout(60_000)
  const { server, keep } = withServer({
    options: { hlsIdleMs: 60_000, files: { maxPlaylistBytes: MAX } },
    files: {
      'live/s/index.m3u8': PLAYLIST, 'live/s/1.ts': 1000, 'live/s/enc.key': 16, 'live/s/large.m3u8': `#EXTM3U\n${'a.ts\n'.repeat(100_000)}`, 'live/s/edge.m3u8': '#'.repeat(MAX),
      'live/s/utf16.m3u8': Buffer.from('\ufeff#EXTM3U\n1.ts\n', 'utf16le'), 'live/s/cp1251.m3u8': CP1251, 'live/s/grows.m3u8': 'a.ts\n'.repeat(20_000), 'live/s/long.m3u8': LONG, 'live/s/gzip.m3u8': Buffer.from('1f8b0800000000000003', 'hex'),
      'live/s/empty.m3u8': '', 'live/s/dir.m3u8/x.ts': 1
    }
  })

  for (const over of CARRIERS) {
    describe(`over ${over}`, () => {
      const target = `${MOUNT}/live/s/index.m3u8?token=123`
      const client = (): ReturnType<typeof fileClient> => keep(fileClient(server.ports, { over }))

      it('carry the query, and are the same to the byte but for that', async () => {
        const { status, headers, body } = await client().get(target)
        expect(status).to.equal(200)
        expect(body.equals(Buffer.from(REWRITTEN))).to.equal(true)
        expect(headers).to.include({ 'content-length': String(body.length), 'access-control-allow-origin': '*' })
        expect(headers['cache-control']).to.match(/^private/)
        expect(headers['content-type']).to.match(/mpegurl/i)
        expect(headers).to.not.have.property('last-modified')
        expect(headers['etag']).to.match(/^"[\w-]{27}"$/)
      })

      it('keep every byte that is not ours, in whatever encoding', async () => {
        const { status, body } = await client().get(`${MOUNT}/live/s/cp1251.m3u8?token=123`)
        expect(status).to.equal(200)
        expect(body.equals(Buffer.concat([CP1251.subarray(0, -1), Buffer.from('?token=123\n')]))).to.equal(true)
      })

      it('are sent in pieces where they are long, in ranges, too, and read again once they have changed', async () => {
        const viewer = client()
        const long = `${MOUNT}/live/s/long.m3u8?token=123`
        const expected = LONG.replaceAll('.ts', '.ts?token=123')
        const first = await viewer.get(long)
        expect([first.text === expected, first.headers['content-length']]).to.deep.equal([true, String(expected.length)])
        const part = await viewer.get(long, { headers: { range: 'bytes=70000-140000' } })
        expect([part.status, part.text === expected.slice(70_000, 140_001)]).to.deep.equal([206, true])
        const head = await viewer.get(long, { method: 'HEAD' })
        expect([head.headers['content-length'], head.headers['etag']]).to.deep.equal([String(expected.length), first.headers['etag']])
        const file = join(server.dir, 'static/live/s/long.m3u8')
        for (const old of [true, false]) {
          if (old) await utimes(file, new Date(0), new Date(Date.now() - 60_000))
          for (let round = 0; round < 2; round++) expect((await viewer.get(long)).headers['etag']).to.equal(first.headers['etag'])
          const changed = LONG.replace('segment.ts', `segm${old}.ts`)
          await writeFile(file, changed)
          expect((await viewer.get(long)).text === changed.replaceAll('.ts', '.ts?token=123')).to.equal(true)
          await writeFile(file, LONG)
          expect((await viewer.get(long)).headers['etag']).to.equal(first.headers['etag'])
        }
      })

      it('have an ETag of the text that this viewer gets', async () => {
        const viewer = client()
        const etags = await Promise.all([target, target, `${target}&x=1`, `${MOUNT}/live/s/index.m3u8?x=1&token=123`].map(async (each) => (await viewer.get(each)).headers['etag']))
        expect(etags[0]).to.equal(etags[1]).and.to.equal(etags[2])
        expect(etags[3]).to.not.equal(etags[0])
      })

      it('are answered as unchanged, in ranges and to HEAD', async () => {
        const viewer = client()
        const { headers: { etag } } = await viewer.get(target)
        const unchanged = await viewer.get(target, { headers: { 'if-none-match': String(etag) } })
        expect([unchanged.status, unchanged.body.length, unchanged.headers['etag'], unchanged.headers['access-control-allow-origin']]).to.deep.equal([304, 0, etag, '*'])
        const since = await viewer.get(target, { headers: { 'if-modified-since': new Date(Date.now() + 1e6).toUTCString() } })
        expect([since.status, since.text]).to.deep.equal([200, REWRITTEN])
        const part = await viewer.get(target, { headers: { range: 'bytes=3-9', 'if-range': String(etag) } })
        const whole = Buffer.from(REWRITTEN)
        expect([part.status, part.text, part.headers['content-range']]).to.deep.equal([206, whole.subarray(3, 10).toString(), `bytes 3-9/${whole.length}`])
        const beyond = await viewer.get(target, { headers: { range: 'bytes=9999-' } })
        expect([beyond.status, beyond.headers['content-range']]).to.deep.equal([416, `bytes */${whole.length}`])
        const head = await viewer.get(target, { method: 'HEAD' })
        expect([head.status, head.body.length, head.headers['content-length'], head.headers['etag']]).to.deep.equal([200, 0, String(whole.length), etag])
        expect((await viewer.get(target)).text).to.equal(REWRITTEN)
      })

      it('say nothing without a verdict, whatever the conditions', async () => {
        const viewer = client()
        const { headers: { etag } } = await viewer.get(target)
        for (const headers of [{ 'if-none-match': String(etag) }, { range: 'bytes=0-1' }, { 'if-none-match': '*' }, { 'if-modified-since': new Date().toUTCString() }] as Record<string, string>[]) {
          for (const method of ['GET', 'HEAD']) {
            const answer = await viewer.get(`${MOUNT}/live/s/index.m3u8?token=bad`, { headers, method })
            expect(answer.status).to.equal(403)
            expect(answer.headers).to.not.have.any.keys('etag', 'content-range', 'last-modified')
          }
        }
      })

      for (const [name, reason] of [['large', 'more than 200000 bytes'], ['utf16', 'not text'], ['gzip', 'not text'], ['grows', 'with the query in each link']] as const) {
        it(`are refused if they cannot be rewritten: ${name}`, async () => {
          const viewer = client()
          const { status, text, headers } = await viewer.get(`${MOUNT}/live/s/${name}.m3u8?token=123`)
          expect(status).to.equal(500)
          expect(text).to.contain(reason)
          expect(headers).to.include({ 'access-control-allow-origin': '*', 'cache-control': 'no-store' })
          expect((await viewer.get(target)).status).to.equal(200)
        })
      }

      it('may be as large as the limit, or empty', async () => {
        expect((await client().get(`${MOUNT}/live/s/edge.m3u8?token=123`)).body).to.have.length(MAX)
        expect((await client().get(`${MOUNT}/live/s/empty.m3u8?token=123`)).body).to.have.length(0)
      })

      it('are answered as Express does where there is none', async () => {
        const none = await client().get(`${MOUNT}/live/s/none.m3u8?token=123`)
        expect([none.status, none.headers['access-control-allow-origin']]).to.deep.equal([404, '*'])
        const directory = await client().get(`${MOUNT}/live/s/dir.m3u8?token=123`)
        expect([directory.status, directory.headers['location']]).to.deep.equal([301, `${MOUNT}/live/s/dir.m3u8/?token=123`])
      })

      it('leave segments to Express, with their ranges and validators', async () => {
        const viewer = client()
        const segment = `${MOUNT}/live/s/1.ts?token=123`
        const whole = await viewer.get(segment)
        expect(whole.headers).to.include.keys('etag', 'last-modified', 'accept-ranges')
        const part = await viewer.get(segment, { headers: { range: 'bytes=0-99' } })
        expect([part.status, part.body.length, part.headers['access-control-allow-origin']]).to.deep.equal([206, 100, '*'])
        const unchanged = await viewer.get(segment, { headers: { 'if-none-match': String(whole.headers['etag']) } })
        expect([unchanged.status, unchanged.headers['access-control-allow-origin']]).to.deep.equal([304, '*'])
        const head = await viewer.get(segment, { method: 'HEAD' })
        expect([head.status, head.headers['content-length'], head.body.length]).to.deep.equal([200, '1000', 0])
      })

      it('take no method but GET and HEAD, and a preflight passes', async () => {
        for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
          const answer = await client().get(target, { method })
          expect([answer.status, answer.headers['allow'], answer.headers['access-control-allow-origin']], method).to.deep.equal([405, 'GET, HEAD, OPTIONS', '*'])
        }
        const preflight = await client().get(`${MOUNT}/live/s/index.m3u8`, { method: 'OPTIONS', headers: { origin: 'https://page.example.com', 'access-control-request-method': 'GET' } })
        expect([preflight.status, preflight.headers['access-control-allow-origin']]).to.deep.equal([IS_V2 ? 200 : 204, '*'])
      })
    })
  }
})
