import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { playFrames } from '../support/ffmpeg.js'
import { fileClient, type FileClient } from '../support/file-clients.js'
import { watchServed, type Served } from '../support/served.js'
import { publishVod, VOD_FRAMES, writeMp4 } from '../support/vod.js'
import { inTime, until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

describe('recorded files, with ffmpeg', function () {
  this.timeout(60_000)
  let client: FileClient
  let served: () => Promise<Served[]>
  /** By kind: its path at the server, and its bytes. */
  const files = new Map<string, { path: string, bytes: Buffer }>()
  const { backend, server, keep, last } = withServer({ config: { static: { router: '/static', root: 'static' }, record: { auto: true, path: 'static/rec' } } })
  before(async () => {
    client = last(fileClient(server.ports))
    served = await watchServed(server)
    const root = join(server.dir, 'static')
    await writeMp4(join(root, 'rec/live/s/film.mp4'))
    // node-media-server itself records this one.
    await publishVod(`rtmp://127.0.0.1:${server.ports.rtmp}/live/s?token=123`)
    await server.waitFor(({ context }) => [...context.sessions.values()].every(({ protocol }) => protocol !== 'rtmp'))
    const recorded = (await readdir(join(root, 'rec/live/s'))).find((name) => name.endsWith('.flv')) ?? 'none'
    const written = await server.evaluate(({ context }) => [...context.sessions.values()].find(({ ip }) => ip === '')?.outBytes)
    await until(async () => (await readFile(join(root, 'rec/live/s', recorded))).length === written, 'the recording is written')
    for (const [kind, name] of [['.flv', recorded], ['.mp4', 'film.mp4']] as const) {
      files.set(kind, { path: `/static/rec/live/s/${name}`, bytes: await readFile(join(root, 'rec/live/s', name)) })
    }
  })

  const url = (path: string, token: string): string => `http://127.0.0.1:${server.ports.http}${path}?token=${token}`

  for (const kind of ['.flv', '.mp4']) {
    describe(kind, () => {
      const file = (): { path: string, bytes: Buffer } => files.get(kind)!

      it('is played to its end, and asked for once', async () => {
        const { path } = file()
        const player = keep(playFrames(url(path, '123'), { userAgent: `player/${kind}` }))
        expect((await inTime(player.exited, () => `it plays: ${player.stderr()}`, 30_000)).code, player.stderr()).to.equal(0)
        expect(player.frames()).to.equal(VOD_FRAMES)
        expect(backend.requests.map(({ headers }) => headers['x-real-path'])).to.deep.equal([path])
        const id = String(backend.requests[0]?.headers['x-session-id'])
        expect(await server.waitForEvent({ event: 'postPlay', id })).to.include({ streamPath: '/rec/live/s', protocol: 'file' })
      })

      it('is played from the middle, by ranges of the same session', async () => {
        const { path, bytes } = file()
        const userAgent = `seeker/${kind}`
        const player = keep(playFrames(url(path, '123'), { userAgent, from: 2 }))
        expect((await inTime(player.exited, () => `it plays: ${player.stderr()}`, 30_000)).code, player.stderr()).to.equal(0)
        expect(player.frames()).to.be.within(VOD_FRAMES / 2, VOD_FRAMES / 2 + 1)
        const ranges = (await served()).filter((each) => each.userAgent === userAgent)
        expect(new Set(ranges.map(({ status }) => status))).to.deep.equal(new Set([206]))
        expect(ranges.map(({ range }) => range), 'the middle is among them').to.satisfy((all: string[]) => all.some((range) => Number(/\d+/.exec(range)?.[0]) > bytes.length / 5))
        expect(backend.requests).to.have.length(1)
      })

      it('is served in ranges, to the byte, and to nobody else', async () => {
        const { path, bytes } = file()
        const { length } = bytes
        const agent = { 'user-agent': `ranges/${kind}` }
        for (const [range, from, to] of [['bytes=0-99', 0, 99], ['bytes=1000-1999', 1000, 1999], [`bytes=${length - 10}-`, length - 10, length - 1], ['bytes=-50', length - 50, length - 1]] as const) {
          const part = await client.get(`${path}?token=123`, { headers: { ...agent, range } })
          expect([part.status, part.headers['content-range']], range).to.deep.equal([206, `bytes ${from}-${to}/${length}`])
          expect(part.body.equals(bytes.subarray(from, to + 1)), range).to.equal(true)
          const refused = await client.get(`${path}?token=wrong`, { headers: { ...agent, range } })
          expect([refused.status, refused.text, refused.headers['content-range']], range).to.deep.equal([403, 'access denied (403)\n', undefined])
        }
        expect((await client.get(`${path}?token=123`, { headers: { ...agent, range: `bytes=${length}-` } })).status).to.equal(416)
        expect((await client.get(`${path}?token=123`, { headers: agent })).body.equals(bytes)).to.equal(true)
        expect(backend.about('token=123'), 'one session').to.have.length(1)
      })

      it('is refused with a wrong token, and ffmpeg says so', async () => {
        const stranger = keep(playFrames(url(file().path, 'wrong'), { userAgent: 'stranger', frames: 1 }))
        expect((await inTime(stranger.exited, 'the stranger ends', 30_000)).code).not.to.equal(0)
        expect(stranger.frames()).to.equal(0)
        expect(stranger.stderr()).to.include('403 Forbidden')
      })
    })
  }
})
