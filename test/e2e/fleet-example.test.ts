import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { cleanup } from '../support/cleanup.js'
import { playFrames } from '../support/ffmpeg.js'
import { freePort, spawn, tool, type Running } from '../support/tools.js'
import { inTime, until } from '../support/waiting.js'

describe('the example of several servers', function () {
  this.timeout(90_000)
  const keep = cleanup()
  let program: Running
  let dir: string
  let http: number
  let portal: string
  before(async () => {
    for (const name of ['ffmpeg', 'nginx', 'redis-server'] as const) tool(name)
    const folder = await mkdtemp(join(tmpdir(), 'nms-http-auth-fleet-test-'))
    dir = folder
    keep({ close: () => rm(folder, { recursive: true, force: true }) })
    http = await freePort()
    const port = await freePort()
    portal = `http://127.0.0.1:${port}`
    program = keep(spawn(process.execPath, [fileURLToPath(new URL('../../examples/fleet/fleet.js', import.meta.url))], {
      env: { ...process.env, TMPDIR: dir, HTTP_PORT: String(http), BACKEND_PORT: String(port) }
    }))
    await until(() => program.stdout().includes('Ctrl-C ends it'), () => `it says what to do: ${program.stdout()}${program.stderr()}`, 30_000)
    await until(async () => (await readdir(join(dir, (await readdir(dir))[0] ?? '', 'media/live/s/hd'))).includes('index.m3u8'), 'the stream is there', 30_000)
  })
  after(() => keep.run())

  const link = async (): Promise<string> => `http://127.0.0.1:${http}/static/live/s/index.m3u8?${await (await fetch(`${portal}/new-token`)).text()}`
  const allowed = (source: string): number => program.stdout().match(new RegExp(`allowed play /live/s .*source=${source}`, 'g'))?.length ?? 0

  it('has one viewer play from both servers, who is asked about once, beyond the life of the token', async () => {
    const player = keep(playFrames(await link(), { userAgent: 'first', frames: 80 }))
    const { code } = await inTime(player.exited, () => `80 frames: ${player.stderr()}`, 40_000)
    expect(code, player.stderr()).to.equal(0)
    expect([allowed('backend'), allowed('remembered')]).to.deep.equal([1, 1])
  })

  it('ends a user\'s first device for the second one, whichever server they are on', async () => {
    const first = keep(playFrames(await link(), { userAgent: 'first', frames: 100_000 }))
    await until(() => first.frames() > 10, () => `the first plays: ${first.stderr()}`, 30_000)
    const second = keep(playFrames(await link(), { userAgent: 'second', frames: 60 }))
    expect((await inTime(second.exited, () => `60 frames: ${second.stderr()}`, 40_000)).code, second.stderr()).to.equal(0)
    await until(() => /503 Service Unavailable|403 Forbidden/.test(first.stderr()), () => `the first is refused: ${first.stderr()}`, 30_000)
    await first.close()
  })

  it('ends at Ctrl-C, with nothing left behind', async () => {
    program.child.kill('SIGINT')
    expect(await inTime(program.exited, 'it ends', 15_000)).to.deep.equal({ code: 0, signal: null })
    expect(await readdir(dir)).to.deep.equal([])
  })
})
