import type { SpawnOptions } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { progressOf, startBrowser } from '../support/browser.js'
import { playFrames } from '../support/ffmpeg.js'
import { fileClient, type FileClient } from '../support/file-clients.js'
import { copyPage } from '../support/hls-example.js'
import { watchServed, type Served } from '../support/served.js'
import { spawn, tool, type Tool } from '../support/tools.js'
import { VOD_FRAMES, VOD_KEY, writeHlsVariants } from '../support/vod.js'
import { inTime, until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

/** With the files that a player of all of it fetches, beside others. */
const VARIANTS = [
  { title: 'fMP4', stream: 'fmp4', files: ['index.m3u8', 'init.mp4', 'index0.m4s'] },
  { title: 'AES-128 with a key file', stream: 'encrypted', files: ['index.m3u8', 'keys/stream.key', 'index0.ts'] },
  {
    title: 'a master playlist with renditions and sound in directories of their own', stream: 'master',
    files: ['index.m3u8', ...['low', 'high', 'sound'].flatMap((name) => [`${name}/index.m3u8`, `${name}/index0.ts`])]
  }
] as const

interface Player { readonly command: Tool, readonly args: (url: string) => string[], readonly is: (userAgent: string) => boolean }

const PLAYERS: Readonly<Record<string, Player>> = {
  mpv: { command: 'mpv', args: (url) => ['--no-config', '--vo=null', '--ao=null', '--user-agent=player/mpv', url], is: (userAgent) => userAgent === 'player/mpv' },
  VLC: {
    command: 'cvlc', args: (url) => ['-I', 'dummy', '--vout=dummy', '--aout=dummy', '--no-media-library', url, 'vlc://quit'], is: (userAgent) => userAgent.startsWith('VLC')
  },
  GStreamer: {
    command: 'gst-launch-1.0', args: (url) => ['-q', 'playbin', `uri=${url}`, 'video-sink=fakesink', 'audio-sink=fakesink'], is: (userAgent) => userAgent.startsWith('GStreamer')
  }
}

/** VLC runs for nobody who may do everything. */
const asNobody = (): SpawnOptions => ({ env: { ...process.env, HOME: tmpdir() }, ...(process.getuid?.() === 0 && { uid: 65534, gid: 65534 }) })

describe('kinds of HLS, with real players', function () {
  this.timeout(60_000)
  let client: FileClient
  let page: Page
  let served: () => Promise<Served[]>
  const { backend, server, keep, last } = withServer({ config: { static: { router: '/static', root: 'static' } } })
  before(async () => {
    client = last(fileClient(server.ports))
    served = await watchServed(server)
    await writeHlsVariants(join(server.dir, 'static'))
    await copyPage(join(server.dir, 'static'))
    page = await last(await startBrowser()).newPage()
  })

  /** What one player got of a stream, by file. */
  const servedOf = async (stream: string, of: (userAgent: string) => boolean): Promise<{ file: string, query: string, status: number }[]> =>
    (await served()).filter(({ url, userAgent }) => url.startsWith(`/static/${stream}/`) && of(userAgent)).map(({ url, status }) => {
      const [path = '', ...query] = url.split('?')
      return { file: path.slice(`/static/${stream}/`.length), query: query.join('?'), status }
    })
  const isChromium = (userAgent: string): boolean => userAgent.includes('Chrome')

  for (const { title, stream, files } of VARIANTS) {
    describe(title, () => {
      const url = (token: string): string => `http://127.0.0.1:${server.ports.http}/static/${stream}/index.m3u8?token=${token}`

      it('is played by ffmpeg to its end, all of it in one session', async () => {
        const player = keep(playFrames(url('123'), { userAgent: `player/${stream}`, map: '0' }))
        const { code } = await inTime(player.exited, () => `it plays: ${player.stderr()}`, 30_000)
        expect(code, player.stderr()).to.equal(0)
        expect(player.frames()).to.equal(VOD_FRAMES)
        const got = await servedOf(stream, (userAgent) => userAgent === `player/${stream}`)
        expect(got.map(({ file }) => file)).to.include.members([...files])
        expect(new Set(got.map(({ query }) => query)), 'the token is on everything').to.deep.equal(new Set(['token=123']))
        expect(backend.requests.map(({ headers }) => headers['x-real-path'])).to.deep.equal([`/static/${stream}/index.m3u8`])
      })

      for (const [name, { command, args, is }] of Object.entries(PLAYERS)) {
        it(`is played by ${name}, all of it in one session, with a token that is good for one question`, async () => {
          const token = `once-${name}`
          backend.answer(({ query }) => ({ status: query === `token=${token}` && backend.about(token).length === 1 ? 200 : 403 }))
          const before = (await servedOf(stream, is)).length
          const player = keep(spawn(tool(command), args(url(token)), asNobody()))
          // A decoder may need longer to start than the stream is long.
          const { code } = await inTime(player.exited, () => `it plays: ${player.stderr()}`, 40_000)
          expect(code, player.stderr()).to.equal(0)
          const got = (await servedOf(stream, is)).slice(before)
          expect(got.map(({ file }) => file)).to.include.members(files.filter((file) => !/^(low|high)\//.test(file)))
          expect(got.filter(({ status }) => status >= 400)).to.deep.equal([])
          expect(backend.requests.map(({ headers }) => headers['x-real-path'])).to.deep.equal([`/static/${stream}/index.m3u8`])
        })
      }

      it('is played by hls.js in Chromium, in one session', async () => {
        await page.goto(`http://127.0.0.1:${server.ports.http}/static/?token=123`)
        await page.getByLabel('Stream').fill(stream)
        await page.getByRole('button', { name: 'Play HLS' }).click()
        let now = await progressOf(page)
        await until(async () => {
          now = await progressOf(page)
          return now.time > 1.2 && now.frames > 25
        }, () => `it is past the first segment; it is at ${JSON.stringify(now)}`, 20_000)
        const got = await servedOf(stream, isChromium)
        // It chooses a rendition.
        expect(got.map(({ file }) => file)).to.include.members(files.filter((file) => !/^(low|high)\//.test(file)))
        expect(new Set(got.map(({ query }) => query)), 'the token is on everything').to.deep.equal(new Set(['token=123']))
        expect(backend.requests.map(({ headers }) => headers['x-real-path'])).to.deep.equal([`/static/${stream}/index.m3u8`])
      })

      it('is refused with a wrong token, and each of its files, too', async () => {
        const stranger = keep(playFrames(url('wrong'), { userAgent: 'stranger', frames: 1 }))
        expect((await inTime(stranger.exited, 'the stranger ends', 30_000)).code).not.to.equal(0)
        expect(stranger.frames()).to.equal(0)
        expect(stranger.stderr()).to.include('403 Forbidden')
        for (const file of files) {
          for (const query of ['?token=wrong', '']) expect((await client.get(`/static/${stream}/${file}${query}`)).status, file + query).to.equal(403)
        }
      })
    })
  }

  it('gives the key of an encrypted stream to who may watch it, and names it with their token', async () => {
    const playlist = await client.get('/static/encrypted/index.m3u8?token=123')
    expect(playlist.text).to.include('URI="keys/stream.key?token=123"')
    expect((await client.get('/static/encrypted/keys/stream.key?token=123')).body).to.deep.equal(VOD_KEY)
    expect((await client.get('/static/encrypted/keys/stream.key?token=12')).body).not.to.deep.equal(VOD_KEY)
  })
})
