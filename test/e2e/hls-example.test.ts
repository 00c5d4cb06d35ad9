import { readdir } from 'node:fs/promises'
import { expect } from 'chai'
import { cleanup } from '../support/cleanup.js'
import { playFrames } from '../support/ffmpeg.js'
import { startHlsExample, type HlsExample } from '../support/hls-example.js'
import { keepPublishing } from '../support/media.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { tool, type Running } from '../support/tools.js'
import { inTime, until } from '../support/waiting.js'

describe('the HLS example, with ffmpeg', function () {
  this.timeout(60_000)
  const keep = cleanup()
  let example: HlsExample
  let publisher: Running

  before(async () => {
    tool('ffmpeg')
    example = keep(await startHlsExample())
    publisher = keep(await example.publish())
  })
  after(() => keep.run())

  const hls = (query: string): string => `http://127.0.0.1:${example.ports.http}/static/live/s/index.m3u8${query}`
  const pulls = (): string[] => example.program.stdout().match(/^.*\[http-auth\] allowed play \/live\/s protocol=rtmp .* source=rule .*$/gm) ?? []

  it('is played as HLS with the token, and the backend is asked once', async () => {
    const player = keep(playFrames(hls('?token=123'), { userAgent: 'viewer', frames: 100 }))
    const { code } = await inTime(player.exited, () => `100 frames: ${player.stderr()}`, 30_000)
    expect(code, player.stderr()).to.equal(0)
    expect(player.frames()).to.be.at.least(100)
    expect(example.program.stdout().match(/^ *Real UA: viewer$/gm)).to.have.length(1)
  })

  for (const query of ['?token=wrong', '']) {
    it(`is refused as HLS with ${query === '' ? 'no token' : query}, and ffmpeg says so`, async () => {
      const player = keep(playFrames(hls(query), { userAgent: 'stranger', frames: 1 }))
      const { code } = await inTime(player.exited, 'the stranger ends', 30_000)
      expect(code).not.to.equal(0)
      expect(player.frames()).to.equal(0)
      expect(player.stderr()).to.include('403 Forbidden')
    })
  }

  it('lets in its own pull by a rule that viewers from this machine do not meet, whatever they say of themselves', async () => {
    const [pull, ...more] = pulls()
    expect(pull).to.include(' ip=127.0.0.2 ')
    expect(more).to.deep.equal([])
    const stranger = keep(playFrames(`rtmp://127.0.0.1:${example.ports.rtmp}/live/s`, { userAgent: 'stranger', frames: 1 }))
    expect((await inTime(stranger.exited, 'the stranger ends', 30_000)).code).not.to.equal(0)
    expect(stranger.stderr()).to.include('access denied (403)')
    for (const path of ['/live/s.flv', '/static/live/s/index.m3u8']) {
      const { status } = await fetch(`http://127.0.0.1:${example.ports.http}${path}`, { headers: { 'X-Forwarded-For': '127.0.0.2', 'X-Real-Ip': '127.0.0.2' } })
      expect(status, path).to.equal(403)
    }
  })

  it('writes anew what another publisher takes over', async () => {
    await publisher.close()
    await until(() => /^\[.*RTMP session \w+ close$/m.test(example.program.stdout()), 'the server knows that it left')
    // From another address, or node-media-server would take it for the same publisher, who is back.
    const other = await RtmpClient.publisher({ port: example.ports.rtmp, localAddress: '127.0.0.3' }, 's?token=123')
    keep(other)
    keep(keepPublishing(other, { everyMs: 40, gop: 25 }))
    await until(() => pulls().length === 2, () => `it is pulled again: ${example.program.stdout()}`)
    await until(async () => (await (await fetch(hls('?token=123'))).text()).includes('#EXTINF'), 'there is HLS again', 20_000)
    const player = keep(playFrames(hls('?token=123'), { userAgent: 'again', frames: 25 }))
    expect((await inTime(player.exited, 'it plays', 30_000)).code, player.stderr()).to.equal(0)
    expect(await example.packagers()).to.have.length(1)
  })

  it('ends at Ctrl-C, with nothing left behind', async () => {
    expect(await example.packagers()).to.have.length(1)
    example.program.child.kill('SIGINT')
    expect(await inTime(example.program.exited, 'the program ends')).to.deep.equal({ code: 0, signal: null })
    expect(example.program.stderr()).to.equal('')
    expect(await readdir(example.dir)).to.deep.equal([])
    expect(await example.packagers()).to.deep.equal([])
  })
})
