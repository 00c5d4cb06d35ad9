import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { startBrowser, waitForFrames } from '../support/browser.js'
import { cleanup } from '../support/cleanup.js'
import { copyExamples, startExample, startTokenBackend, type ExampleFolder, type RunningExample, type TokenBackend } from '../support/nms-2.7-example.js'
import { inTime, until } from '../support/waiting.js'

const require = createRequire(import.meta.url)

describe('the examples for node-media-server 2.7', function () {
  this.timeout(120_000)
  const keepAll = cleanup()
  let folder: ExampleFolder
  before(async () => { folder = keepAll(await copyExamples()) })
  after(() => keepAll.run())

  const publishLine = async (name: string): Promise<string> => (await folder.lines(name, 'ffmpeg -re'))[0] ?? ''
  const playUrls = async (name: string): Promise<string[]> => (await folder.lines(name, 'ffplay')).map((line) => /'(.*)'/.exec(line)?.[1] ?? '')
  /** Publishes until it is refused. */
  const refusedPublisher = async (example: RunningExample, line: string): Promise<string> => {
    const publisher = example.start(line)
    try {
      const { code } = await inTime(publisher.exited, () => `it is refused: ${publisher.stderr()}`, 30_000)
      expect(code).not.to.equal(0)
      return publisher.stderr()
    } finally {
      await publisher.close()
    }
  }
  /** How often a backend was asked about a path by anybody but the probe. */
  const asked = (backend: TokenBackend, path: string): number =>
    backend.stdout().split(/^\[/m).filter((question) => question.includes(`Real Path: ${path}\n`) && !question.includes('probe')).length

  it('name the version that the tests have, and the plugin in this clone', async () => {
    const { dependencies } = JSON.parse(await readFile(join(folder.dir, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
    expect(dependencies).to.deep.equal({
      'node-media-server': (require('node-media-server-2/package.json') as { version: string }).version, 'node-media-server-http-auth': 'file:../..'
    })
  })

  describe('with a stream key', () => {
    const keep = cleanup()
    let backend: TokenBackend
    let example: RunningExample
    before(async () => {
      backend = keep(await startTokenBackend())
      example = keep(await startExample(folder, 'stream-key/app.js', backend.url))
      const publisher = keep(example.start(await publishLine('stream-key')))
      await until(() => /New stream\. .*streamPath=\/live\/anna/.test(example.log()), () => `it is published: ${publisher.stderr()}${example.log()}`, 30_000)
    })
    after(() => keep.run())

    it('plays under the owner\'s name, over RTMP and HTTP-FLV; the backend is asked about viewers alone', async () => {
      const urls = await playUrls('stream-key')
      expect(urls.map((url) => new URL(url).protocol)).to.deep.equal(['rtmp:', 'http:'])
      for (const url of urls) {
        const { code, frames, stderr } = await example.play(url, 30)
        expect({ code, frames }, stderr).to.deep.equal({ code: 0, frames: 30 })
      }
      await until(() => asked(backend, '/live/anna') === 1 && asked(backend, '/live/anna.flv') === 1, () => `it prints both: ${backend.stdout()}`)
      expect(backend.stdout()).not.to.include('key-7f3a')
    })

    it('refuses viewers with a wrong token, or none, who read why', async () => {
      for (const url of await playUrls('stream-key')) {
        const { code, frames, stderr } = await example.play(url.replace('token=123', 'token=wrong'), 1)
        expect(code).not.to.equal(0)
        expect(frames).to.equal(0)
        expect(stderr).to.include(url.startsWith('rtmp') ? 'access denied (403)' : '403 Forbidden')
      }
      await example.refuses('/live/anna', 'token=wrong')
      await example.refuses('/live/anna', '')
      expect(example.log()).to.match(/denied play \/live\/anna protocol=rtmp .* source=backend /).and.to.match(/denied play \/live\/anna protocol=http-flv .* source=backend /)
    })

    it('has the app\'s own listener refuse a wrong key, and a key at another path, before there is a stream', async () => {
      const line = await publishLine('stream-key')
      for (const path of ['/live/key-0000', '/other/key-7f3a']) {
        expect(await refusedPublisher(example, line.replace('/live/key-7f3a', path))).to.include('refused by the server')
        await until(() => example.log().includes(`allowed, then refused by node-media-server or the app: publish ${path} `), () => `its line: ${example.log()}`)
        expect(example.log()).not.to.include(`streamPath=${path} `)
      }
    })

    it('has no API that anybody can end the stream by', async () => {
      const response = await fetch(`http://127.0.0.1:${example.ports.http}/api/streams/live/anna`, { method: 'DELETE' })
      expect(response.status).to.be.at.least(400)
      const { code, frames, stderr } = await example.play((await playUrls('stream-key'))[0] ?? '', 10)
      expect({ code, frames }, stderr).to.deep.equal({ code: 0, frames: 10 })
    })

    it('says at the start that publishers are the app\'s', () => {
      expect(example.log()).to.include('guarding node-media-server 2.7.4').and.to.match(/publishers: OPEN/)
    })

    it('refuses viewers while the backend is stopped, and the publisher goes on', async () => {
      await backend.close()
      for (const url of await playUrls('stream-key')) {
        const { code, frames, stderr } = await example.play(url, 1)
        expect(code).not.to.equal(0)
        expect(frames).to.equal(0)
        expect(stderr).to.match(url.startsWith('rtmp') ? /authorization is unavailable, try again later/ : /503 Service Unavailable/)
      }
      await example.refuses('/live/anna', 'token=123')
      expect(example.log()).to.include(`backend unavailable: connection refused by ${new URL(backend.url).host}`)
      expect(example.log()).not.to.match(/rtmp publish\] Close stream.*\/live\/anna/)
    })
  })

  describe('with trans', () => {
    const keep = cleanup()
    let backend: TokenBackend
    let example: RunningExample
    let page: Page
    /** A web server of its own, as of an app whose pages are elsewhere. */
    let pages: string
    before(async () => {
      const web = createServer((_, res) => { res.setHeader('Content-Type', 'text/html').end('<video muted></video>') }).listen(0, '127.0.0.1')
      keep(web)
      await once(web, 'listening')
      pages = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`
      backend = keep(await startTokenBackend())
      example = keep(await startExample(folder, 'hls/app.js', backend.url))
      page = await keep(await startBrowser()).newPage()
    })
    after(() => keep.run())

    const file = async (name: string, query: string, init: RequestInit = {}): Promise<{ status: number, text: string }> => {
      const response = await fetch(`http://127.0.0.1:${example.ports.http}/live/s/${name}${query}`, init)
      return { status: response.status, text: await response.text() }
    }
    const playlistUrl = async (): Promise<string> => example.moved((await playUrls('hls'))[0] ?? '')
    /** What hls.js in a page from elsewhere comes to: it plays, or the status that ended it. */
    const playInPage = async (url: string): Promise<'plays' | number> => {
      await page.goto(pages)
      await page.addScriptTag({ path: require.resolve('hls.js/dist/hls.min.js') })
      await page.evaluate(`(() => {
        const hls = new Hls()
        hls.on(Hls.Events.ERROR, (_, { response }) => { window.refused ??= response?.code })
        hls.loadSource(${JSON.stringify(url)})
        hls.attachMedia(document.querySelector('video'))
        document.querySelector('video').play().catch(() => {})
      })()`)
      let refused: number | undefined
      await until(async () => {
        refused = await page.evaluate<number | undefined>('window.refused')
        return refused !== undefined || await page.evaluate<boolean>('document.querySelector("video").currentTime > 0')
      }, 'hls.js plays or is refused', 30_000)
      if (refused !== undefined) return refused
      await waitForFrames(page, 20)
      return 'plays'
    }

    it('writes nothing for a publisher with a wrong token, who reads why', async () => {
      expect(await refusedPublisher(example, (await publishLine('hls')).replace('token=123', 'token=wrong'))).to.include('access denied (403)')
      expect(example.log()).to.match(/denied publish \/live\/s protocol=rtmp .* source=backend /)
      expect(await readdir(join(folder.dir, 'hls/media'))).to.deep.equal([])
    })

    it('writes HLS and DASH of a publisher with a token, without a rule and without a question for its ffmpeg', async () => {
      const publisher = keep(example.start(await publishLine('hls')))
      await until(async () => (await file('index.m3u8', '?token=123')).text.includes('#EXTINF'), () => `there is HLS: ${publisher.stderr()}${example.log()}`, 40_000)
      await until(async () => (await file('index.mpd', '?token=123')).status === 200, () => `there is DASH: ${example.log()}`, 30_000)
      expect(asked(backend, '/live/s')).to.equal(2)
      expect(example.log()).to.include('rules:      none').and.to.include('uncaughtException ReferenceError: version is not defined')
    })

    it('plays in ffmpeg and in hls.js in Chromium, each asked about once', async () => {
      const before = asked(backend, '/live/s/index.m3u8')
      const { code, frames, stderr } = await example.play(await playlistUrl(), 100)
      expect({ code, frames }, stderr).to.deep.equal({ code: 0, frames: 100 })
      expect(await playInPage(await playlistUrl())).to.equal('plays')
      expect(asked(backend, '/live/s/index.m3u8') - before).to.equal(2)
    })

    it('is closed to everybody else: playlist, manifest and each segment', async () => {
      const names = (await readdir(join(folder.dir, 'hls/media/live/s'))).filter((name) => !name.endsWith('.tmp'))
      expect(new Set(names.map((name) => name.split('.').at(-1)))).to.deep.equal(new Set(['m3u8', 'ts', 'mpd', 'm4s']))
      for (const name of names) {
        for (const query of ['?token=wrong', '']) expect(await file(name, query), name + query).to.deep.equal({ status: 403, text: 'access denied (403)\n' })
      }
      const stranger = await example.play((await playlistUrl()).replace('token=123', 'token=wrong'), 1)
      expect(stranger.code).not.to.equal(0)
      expect(stranger.frames).to.equal(0)
      expect(stranger.stderr).to.include('403 Forbidden')
      expect(await playInPage((await playlistUrl()).replace('token=123', 'token=wrong'))).to.equal(403)
      expect(example.log()).to.match(/denied play \/live\/s protocol=hls .* source=backend /)
    })

    it('gives DASH, whose manifest carries the token to its segments', async () => {
      expect((await file('index.mpd', '?token=123')).text).to.include('"init-stream$RepresentationID$.m4s?token=123"')
      expect((await file('init-stream0.m4s', '?token=123')).status).to.equal(200)
    })

    it('refuses newcomers while the backend is stopped', async () => {
      await backend.close()
      const late = await example.play(await playlistUrl(), 1)
      expect(late.code).not.to.equal(0)
      expect(late.frames).to.equal(0)
      expect(late.stderr).to.include('503 Service Unavailable')
      for (const name of ['index.m3u8', 'index.mpd']) {
        expect(await file(name, '?token=123', { headers: { 'User-Agent': 'late' } }), name).to.deep.equal({ status: 503, text: 'authorization is unavailable, try again later\n' })
      }
      const publisher = await refusedPublisher(example, (await publishLine('hls')).replace('/live/s', '/live/late'))
      expect(publisher).to.include('authorization is unavailable, try again later')
    })
  })

  describe('with relays', () => {
    const keep = cleanup()
    let backend: TokenBackend
    let example: RunningExample
    let other: RunningExample
    before(async () => {
      backend = keep(await startTokenBackend())
      const [film = ''] = await folder.lines('relay', 'film.mp4')
      other = keep(await startExample(folder, 'hls/app.js', backend.url))
      expect((await inTime(keep(other.start(`sh -c "cd ../relay && ${film.replace('-t 30', '-t 10')}"`)).exited, 'there is a film', 60_000)).code).to.equal(0)
      example = keep(await startExample(folder, 'relay/app.js', backend.url, { OTHER_SERVER: `rtmp://127.0.0.1:${other.ports.rtmp}/live` }))
      await until(() => /New stream\. .*streamPath=\/tv\/film /.test(example.log()), () => `the channel is there: ${example.log()}`, 30_000)
    })
    after(() => keep.run())

    /** An address of its README, with the ports of both servers. */
    const urlOf = async (path: string): Promise<string> =>
      ((await playUrls('relay')).find((url) => url.includes(path)) ?? '').replace('127.0.0.1:1936', `127.0.0.1:${other.ports.rtmp}`)

    it('has a channel that nobody published and nobody was asked about, and plays it with the token', async () => {
      expect(asked(backend, '/tv/film')).to.equal(0)
      const { code, frames, stderr } = await example.play(await urlOf('1935/tv/film'), 30)
      expect({ code, frames }, stderr).to.deep.equal({ code: 0, frames: 30 })
      await until(() => asked(backend, '/tv/film') === 1, 'the viewer was asked about')
    })

    it('refuses a stranger, as a viewer and as a publisher, from this machine, too', async () => {
      const { code, frames, stderr } = await example.play((await urlOf('1935/tv/film')).replace('?token=123', ''), 1)
      expect(code).not.to.equal(0)
      expect(frames).to.equal(0)
      expect(stderr).to.include('access denied (403)')
      await example.refuses('/tv/film', 'token=wrong')
      expect(await refusedPublisher(example, (await publishLine('relay')).replace('/live/s?token=123', '/tv/other'))).to.include('access denied (403)')
      expect(example.log()).to.match(/denied play \/tv\/film protocol=rtmp .* source=backend /).and.to.match(/denied publish \/tv\/other protocol=rtmp .* source=backend /)
    })

    it('pushes what is published to the other server, and pulls it from there, with the token of the first', async () => {
      const publisher = keep(example.start(await publishLine('relay')))
      await until(() => /New stream\. .*streamPath=\/live\/s /.test(other.log()), () => `it is pushed: ${publisher.stderr()}${example.log()}`, 30_000)
      for (const path of ['/live/s', '/far/s']) {
        const { code, frames, stderr } = await example.play(await urlOf(path), 30)
        expect({ code, frames }, stderr).to.deep.equal({ code: 0, frames: 30 })
      }
      const stranger = await example.play((await urlOf('/far/s')).replace('token=123', 'token=wrong'), 1)
      expect(stranger.frames).to.equal(0)
      expect(stranger.stderr).to.include('access denied (403)')
      expect(example.log()).to.include('rules:      none')
    })

    it('refuses newcomers while the backend is stopped, and the channel goes on', async () => {
      await backend.close()
      const { frames, stderr } = await example.play(await urlOf('1935/tv/film'), 1)
      expect(frames).to.equal(0)
      expect(stderr).to.include('authorization is unavailable, try again later')
      await example.refuses('/tv/film', 'token=123')
      expect(example.log()).not.to.match(/rtmp publish\] Close stream.*\/tv\/film/)
    })

    it('needs its line about getFFmpegVersion: as it is published 2.7.4 starts no relay', async () => {
      const program = await readFile(join(folder.dir, 'relay/app.js'), 'utf8')
      await writeFile(join(folder.dir, 'relay/published.js'), program.replace(/^require\(.*getFFmpegVersion.*\n/m, ''))
      const published = keep(await startExample(folder, 'relay/published.js', backend.url))
      await until(() => published.log().includes('TypeError: getFFmpegVersion is not a function'), () => `it fails: ${published.log()}`)
      expect(published.log()).not.to.include('Relay Server started')
    })
  })
})
