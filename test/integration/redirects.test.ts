import { join } from 'node:path'
import { expect } from 'chai'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, SPEECHES } from '../support/clients.js'
import { CARRIERS, fileClient } from '../support/file-clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import { startServer, type TestServer } from '../support/server.js'

const ELSEWHERE = 'http://edge.example/live/s.flv?from=origin'

describe('a backend that sends clients elsewhere', () => {
  const keep = cleanup()
  const last = cleanup()
  let backend: ControlledBackend
  const servers = new Map<boolean, TestServer>()
  before(async () => {
    backend = last(await startBackend())
    backend.answer({ status: 302, headers: { Location: ELSEWHERE } })
    for (const redirects of [true, false]) {
      const server = last(await startServer({ options: { url: backend.url, redirects }, config: { static: { router: '/static', root: 'static' } } }))
      await writeFiles(join(server.dir, 'static'), hlsStream('live/s', { segments: 1 }))
      servers.set(redirects, server)
    }
  })
  after(() => last.run())
  afterEach(() => keep.run())

  for (const redirects of [true, false]) {
    for (const speech of SPEECHES) {
      const seen = speech.startsWith('rtmp') ? 'NetStream.Play.Failed' : speech.startsWith('http') && redirects ? 302 : 403
      it(`redirects ${redirects}: a player over ${speech} reads ${seen}`, async () => {
        const client = keep(await openClient({ ports: servers.get(redirects)!.ports, speech, action: 'play', streamPath: '/live/s', query: 'token=1' }))
        expect(await client.told).to.equal('no')
        expect(client.answer()).to.equal(seen)
      })
    }
    for (const over of CARRIERS) {
      it(`redirects ${redirects}: a playlist over ${over}`, async () => {
        const files = keep(fileClient(servers.get(redirects)!.ports))
        const { status, headers } = await files.get('/static/live/s/index.m3u8?token=1', { over })
        expect(status).to.equal(redirects ? 302 : 403)
        expect(headers['location']).to.equal(redirects ? ELSEWHERE : undefined)
        expect(headers).to.include({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' })
      })
    }
  }
})
