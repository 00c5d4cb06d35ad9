import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { cleanup } from '../support/cleanup.js'
import { playFrames } from '../support/ffmpeg.js'
import { startServer, type Decided, type TestServer } from '../support/server.js'
import { run, spawn, startPhp, tool, type PhpServer, type Running } from '../support/tools.js'
import { inTime, until } from '../support/waiting.js'

const SCRIPT = fileURLToPath(new URL('../../examples/custom-backend/auth.php', import.meta.url))
const WAYS = ['rtmp', 'http-flv'] as const
type Way = typeof WAYS[number]

const urlOf = ({ ports }: TestServer, way: Way, name: string, token: string): string =>
  way === 'rtmp' ? `rtmp://127.0.0.1:${ports.rtmp}/live/${name}?token=${token}` : `http://127.0.0.1:${ports.http}/live/${name}.flv?token=${token}`

/** ffmpeg as an encoder; over HTTP it posts FLV. */
const publish = (url: string): Running => spawn(tool('ffmpeg'), [
  '-hide_banner', '-nostdin', '-loglevel', 'info', '-re',
  '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=440',
  '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25', '-c:a', 'aac',
  '-f', 'flv', ...(url.startsWith('http') ? ['-method', 'POST', '-send_expect_100', '0'] : []), url
])

describe('ffmpeg, with the specification\'s auth.php under php -S', function () {
  this.timeout(90_000)
  const keep = cleanup()
  let php: PhpServer
  let server: TestServer

  before(async () => {
    php = keep(await startPhp(SCRIPT))
    server = keep(await startServer({ options: { url: php.url } }))
  })
  after(() => keep.run())

  const verdictsOf = async (name: string): Promise<Decided[]> => (await server.verdicts()).filter(({ request }) => request.streamPath === `/live/${name}`)
  const events = async (name: string): Promise<string[]> => (await server.events()).filter(({ streamPath }) => streamPath === `/live/${name}`).map(({ event }) => event)

  for (const way of WAYS) {
    describe(`publishes by ${way}`, () => {
      it('with the token: players of both protocols decode every frame from the header on', async () => {
        const name = `allowed-${way}`
        const publisher = keep(publish(urlOf(server, way, name, '123')))
        await server.waitForEvent({ event: 'postPublish', streamPath: `/live/${name}` }, 20_000)
        for (const played of WAYS) {
          const player = keep(spawn(tool('ffmpeg'), [
            '-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning', '-xerror', '-err_detect', 'explode',
            '-rw_timeout', '15000000', '-i', urlOf(server, played, name, '123'), '-frames:v', '30', '-f', 'null', '-'
          ]))
          const { code } = await inTime(player.exited, () => `30 frames by ${played}: ${player.stderr()}`, 30_000)
          expect(code, player.stderr()).to.equal(0)
          expect(player.stderr(), played).not.to.match(/error|corrupt|non-existing|concealing|missing/i)
        }
        expect(publisher.child.exitCode).to.equal(null)
        const [published, ...plays] = await verdictsOf(name)
        expect(published?.request).to.include({ action: 'publish', protocol: way, query: 'token=123' })
        expect(published?.verdict).to.include({ allowed: true, source: 'backend', status: 200 })
        expect(plays.map(({ request }) => `${request.action} ${request.protocol}`)).to.deep.equal(['play rtmp', 'play http-flv'])
        for (const { request } of [published!, ...plays]) expect(php.stderr()).to.include(` Session ID: ${request.sessionId}\n`)
        await publisher.close()
        await server.waitForEvent({ event: 'donePlay', streamPath: `/live/${name}` })
      })

      it('without it: is told why, and node-media-server never hears of it', async () => {
        const name = `denied-${way}`
        const publisher = keep(publish(urlOf(server, way, name, 'wrong')))
        const { code } = await inTime(publisher.exited, () => `the publisher ends: ${publisher.stderr()}`, 30_000)
        expect(code).not.to.equal(0)
        expect(publisher.stderr()).to.match(way === 'rtmp' ? /access denied \(403\)/ : /403|Broken pipe|Connection reset|Error/)
        const verdicts = await verdictsOf(name)
        expect(verdicts[0]?.verdict).to.include({ allowed: false, source: 'backend', status: 403 })
        expect(await events(name)).to.deep.equal([])
      })
    })
  }

  for (const way of WAYS) {
    it(`a player by ${way} without the token gets no frame and says why; one that stays never notices`, async () => {
      const name = `live-${way}`
      keep(publish(urlOf(server, 'rtmp', name, '123')))
      await server.waitForEvent({ event: 'postPublish', streamPath: `/live/${name}` }, 20_000)
      const viewer = keep(playFrames(urlOf(server, way, name, '123'), { userAgent: 'viewer' }))
      await viewer.waitForFrames(10)
      const stranger = keep(playFrames(urlOf(server, way, name, 'wrong'), { userAgent: 'stranger', frames: 1 }))
      const { code } = await inTime(stranger.exited, 'the stranger ends', 30_000)
      expect(code).not.to.equal(0)
      expect(stranger.frames()).to.equal(0)
      expect(stranger.stderr()).to.match(way === 'rtmp' ? /access denied \(403\)/ : /403 Forbidden/)
      await viewer.waitForFrames(viewer.frames() + 10)
    })
  }

  it('a backend that is stopped: clients are told to come again, a viewer stays; once it is back they get in', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nms-http-auth-php-'))
    keep({ close: () => rmSync(folder, { recursive: true, force: true }) })
    // One that is started anew must listen on the same port.
    const own = keep(await startPhp(SCRIPT))
    const guarded = keep(await startServer({ options: { url: own.url } }))
    keep(publish(urlOf(guarded, 'rtmp', 's', '123')))
    await guarded.waitForEvent({ event: 'postPublish', streamPath: '/live/s' }, 20_000)
    const viewer = keep(playFrames(urlOf(guarded, 'rtmp', 's', '123'), { userAgent: 'viewer' }))
    await viewer.waitForFrames(5)
    await own.close()
    const refused = await run(tool('ffmpeg'), ['-hide_banner', '-nostdin', '-rw_timeout', '15000000', '-i', urlOf(guarded, 'rtmp', 's', '123'), '-f', 'null', '-'])
    expect(refused.code).not.to.equal(0)
    expect(refused.stderr).to.include('authorization is unavailable, try again later')
    await viewer.waitForFrames(viewer.frames() + 10)
    const router = join(folder, 'auth.php')
    writeFileSync(router, '<?php http_response_code(($_GET["token"] ?? "") === "123" ? 200 : 403);')
    const again = keep(spawn(tool('php'), ['-S', `127.0.0.1:${own.port}`, router]))
    await until(() => /started/.test(again.stderr()), () => `php is back: ${again.stderr()}`)
    const player = keep(playFrames(urlOf(guarded, 'rtmp', 's', '123'), { userAgent: 'again', frames: 5 }))
    expect((await inTime(player.exited, 'five frames', 30_000)).code, player.stderr()).to.equal(0)
    expect(guarded.log()).to.match(/backend unavailable: connection refused by 127\.0\.0\.1:\d+/)
    // An outage is over when nobody has met it for a while, which may be longer than five frames take.
    await until(() => /backend answers again/.test(guarded.log()), () => `the outage ends; the log: ${guarded.log()}`)
  })
})
