import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openClient, pathOf, protocolOf, SPEECHES } from '../support/clients.js'
import { FLV_HEADER, flvTag } from '../support/flv.js'
import { createStream, keepPublishing } from '../support/media.js'
import { startServer } from '../support/server.js'
import { run, tool } from '../support/tools.js'
import { withServer } from '../support/with-server.js'

describe('the support of the tests', () => {
  const { backend, server, keep } = withServer()

  for (const [index, speech] of SPEECHES.entries()) {
    it(`publishes and plays by ${speech}`, async () => {
      const streamPath = `/live/smoke-${index}`
      const ask = { ports: server.ports, speech, streamPath, query: 'token=123' }
      const publisher = keep(await openClient({ ...ask, action: 'publish' }))
      await server.waitForEvent({ event: 'postPublish', streamPath })
      keep(keepPublishing(publisher))
      const player = keep(await openClient({ ...ask, action: 'play' }))
      expect(await player.told).to.equal('yes')
      await player.waitForMedia(2000)
      expect((await server.verdicts()).filter(({ request }) => request.streamPath === streamPath).map(({ request, verdict }) =>
        [request.action, request.protocol, request.path, verdict.allowed])).to.deep.equal([
        ['publish', protocolOf(speech), pathOf(speech, streamPath), true], ['play', protocolOf(speech), pathOf(speech, streamPath), true]
      ])
      expect(backend.requests.filter(({ headers }) => headers['x-real-path'] === pathOf(speech, streamPath))).to.have.length(2)
    })
  }

  it('evaluates in the server\'s process, and reports what fails there', async () => {
    expect(await server.evaluate(({ context }, port: number) => [typeof context.sessions.size, port], 7)).to.deep.equal(['number', 7])
    const failed = await server.evaluate(() => { throw new RangeError('no') }).catch((error: unknown) => error)
    expect(failed).to.include({ name: 'RangeError', message: 'no' })
  })

  it('reports a server that has died', async () => {
    const doomed = await startServer({ plugin: false })
    const failed = await doomed.evaluate(() => process.exit(9)).catch((error: unknown) => error)
    expect(String(failed)).to.contain('code 9')
    expect(await doomed.exited).to.deep.equal({ code: 9, signal: null })
    expect(await doomed.stop().catch((error: unknown) => String(error))).to.contain('code 9')
  })

  it('reports a stopped server that something keeps alive', async () => {
    const clinging = await startServer({ plugin: false })
    await clinging.evaluate(() => { setInterval(() => undefined, 1000) })
    expect(await clinging.stop().catch((error: unknown) => String(error))).to.match(/still holds: .*Timeout/)
  })

  it('makes a stream that ffmpeg decodes', async () => {
    const stream = createStream({ gop: 5, frameBytes: 3000 })
    const frames = Array.from({ length: 25 }, (_, index) => stream.frame(index)).flat()
    const file = join(server.dir, 'synthetic.flv')
    await writeFile(file, Buffer.concat([FLV_HEADER, ...[...stream.opening, ...frames].map(flvTag)]))
    const { stderr } = await run(tool('ffmpeg'), ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'])
    expect(stderr).to.equal('')
    const { stdout } = await run(tool('ffprobe'), ['-v', 'error', '-count_frames', '-show_entries', 'stream=codec_name,nb_read_frames', '-of', 'csv=p=0', file])
    expect(stdout.trim().split('\n').sort()).to.deep.equal(['aac,25', 'h264,25'])
  })
})
