import { expect } from 'chai'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ADMIN_CONFIG, adminApi, type AdminApi } from '../support/admin-api.js'
import { openClient, SPEECHES, type AnyClient } from '../support/clients.js'
import { createStream, keepPublishing } from '../support/media.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

describe('a session of node-media-server itself', () => {
  let admin: AdminApi
  const { backend, server, keep } = withServer({ config: { ...ADMIN_CONFIG, record: { auto: true, path: 'record' } } })
  before(async () => {
    admin = await adminApi(server.ports)
  })

  const open = async (streamPath: string, speech: AnyClient['speech'], query: string): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech, action: 'publish', streamPath, query }))
  const recorded = async (streamPath: string): Promise<string[]> => readdir(join(server.dir, 'record', streamPath)).catch(() => [])

  for (const [index, speech] of SPEECHES.entries()) {
    it(`records no publisher (${speech}) before an allow, and is not asked for`, async () => {
      const [denied, allowed] = [`/live/denied-${index}`, `/live/allowed-${index}`]
      backend.answer(({ query }) => ({ status: query === 'yes' ? 200 : 403, hold: true }))
      for (const [streamPath, query] of [[denied, 'no'], [allowed, 'yes']] as const) {
        const client = await open(streamPath, speech, query)
        const { opening, frame } = createStream()
        if (!speech.startsWith('ws')) for (const message of [...opening, ...frame(0)]) client.sendMedia(message)
        await backend.waitFor(({ headers }) => String(headers['x-real-path']).startsWith(streamPath))
        expect(await recorded(streamPath), 'while it is held').to.deep.equal([])
        await until(() => backend.release() > 0, 'the backend answers')
        if (query === 'no') {
          await until(() => client.closedAt() > 0, 'the denied publisher is gone')
          expect(await recorded(streamPath), 'once it is denied').to.deep.equal([])
          continue
        }
        await server.waitForEvent({ event: 'postRecord', streamPath })
        keep(keepPublishing(client))
        const [file = ''] = await recorded(streamPath)
        await until(async () => (await stat(join(server.dir, 'record', streamPath, file))).size > 2000, 'it is recorded')
      }
      expect((await server.events()).filter(({ event, streamPath }) => event === 'postRecord' && streamPath.endsWith(`-${index}`))).to.have.length(1)
      expect(backend.requests).to.have.length(2)
    })
  }

  it('relays a stream in and out, and only the other ends are asked for', async () => {
    backend.answer({ status: 200 })
    const source = await open('/live/source', 'rtmp', '')
    await server.waitForEvent({ event: 'postPublish', streamPath: '/live/source' })
    keep(keepPublishing(source))
    const { rtmp } = server.ports
    const pull = { url: `rtmp://127.0.0.1:${rtmp}/live/source`, streamPath: '/live/pulled', mode: 'pull' }
    const push = { url: `rtmp://127.0.0.1:${rtmp}/live/pushed`, streamPath: '/live/source', mode: 'push' }
    for (const task of [pull, push]) {
      await admin.ask('/relay', 'POST', task)
      keep({ close: () => admin.ask('/relay', 'DELETE', task) })
    }
    for (const streamPath of ['/live/pulled', '/live/pushed']) {
      await server.waitForEvent({ event: 'postPublish', streamPath })
      const viewer = keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath, query: 'viewer' }))
      await viewer.waitForMedia(2000)
    }
    const others = backend.requests.filter(({ query }) => query !== 'viewer').map(({ headers }) => headers['x-real-path'])
    expect(others.sort()).to.deep.equal(['/live/pushed', '/live/source', '/live/source'])
    expect((await server.verdicts()).filter(({ request }) => request.streamPath === '/live/pulled').map(({ request }) => request.action)).to.deep.equal(['play'])
  })
})
