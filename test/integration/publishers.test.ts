import { expect } from 'chai'
import type { Action } from '../../lib/access/request.js'
import type { Options } from '../../lib/options/options.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, pathOf, protocolOf, SPEECHES, speechesFor, type AnyClient, type Speech } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'

describe('publishers', () => {
  const keep = cleanup()
  let forPlayers: ControlledBackend
  let forPublishers: ControlledBackend
  beforeEach(async () => {
    forPlayers = keep(await startBackend())
    forPublishers = keep(await startBackend())
  })
  afterEach(() => keep.run())

  const start = async (options: Omit<Options, 'url'>): Promise<TestServer> =>
    keep(await startServer({ options: { url: `${forPlayers.url}/players`, ...options } }))
  const open = async ({ ports }: TestServer, speech: Speech, action: Action, query: string): Promise<AnyClient> =>
    keep(await openClient({ ports, speech, action, streamPath: streamOf(speech), query }))
  const streamOf = (speech: Speech): string => `/live/${SPEECHES.indexOf(speech)}`
  const isOn = async (server: TestServer, speech: Speech, publisher: AnyClient): Promise<void> => {
    await server.waitForEvent({ event: 'postPublish', streamPath: streamOf(speech) })
    keep(keepPublishing(publisher, { everyMs: 60 }))
  }

  it('are open where actions names players alone: who publishes is not asked for, who plays is', async () => {
    const server = await start({ actions: ['play'] })
    const publishing = speechesFor('publish')
    await Promise.all(publishing.map(async (speech) => {
      await isOn(server, speech, await open(server, speech, 'publish', 'token=no'))
      expect(await (await open(server, speech, 'play', 'token=no')).told, speech).to.equal('no')
      await (await open(server, speech, 'play', 'token=123')).waitForMedia()
    }))
    expect(forPlayers.requests.map(({ query }) => query).sort()).to.deep.equal([...publishing.map(() => 'token=123'), ...publishing.map(() => 'token=no')])
    const decided = (await server.verdicts()).filter(({ request }) => request.action === 'publish')
    expect(decided.map(({ verdict }) => [verdict.allowed, verdict.reason])).to.deep.equal(publishing.map(() => [true, 'publish is open to everybody']))
  })

  it('are asked for as their section says, and players as before', async () => {
    const server = await start({
      headers: { 'X-Secret': 'players' }, params: { of: 'players', app: '{app}' }, defaultAction: 'deny',
      publish: { url: `${forPublishers.url}/publishers?own=1`, headers: { 'X-Key': 'publishers' }, params: { of: 'publishers', what: '{action} {protocol}' }, defaultAction: 'allow' }
    })
    const publishing = speechesFor('publish')
    await Promise.all(publishing.map(async (speech) => {
      await isOn(server, speech, await open(server, speech, 'publish', 'token=123&x'))
      await (await open(server, speech, 'play', 'token=123&y')).waitForMedia()
      expect(await (await open(server, speech, 'publish', 'token=no')).told, speech).to.equal('no')
    }))
    for (const [backend, action] of [[forPlayers, 'play'], [forPublishers, 'publish']] as const) {
      const asked = backend.requests.filter(({ query }) => !query.endsWith('token=no'))
      expect(asked.map(({ url, headers }) => [headers['x-real-path'], url, headers['x-secret'], headers['x-key']]).sort()).to.deep.equal(publishing.map((speech) => action === 'play'
        ? [pathOf(speech, streamOf(speech)), '/players?of=players&app=live&token=123&y', 'players', undefined]
        : [pathOf(speech, streamOf(speech)), `/publishers?own=1&of=publishers&what=publish%20${protocolOf(speech)}&token=123&x`, undefined, 'publishers']).sort())
    }

    // Each has its own default action.
    await forPlayers.close()
    await forPublishers.close()
    for (const [index, speech] of publishing.entries()) {
      expect(await (await open(server, speech, 'play', 'token=123')).told, speech).to.equal('no')
      const streamPath = `/live/outage-${index}`
      keep(await openClient({ ports: server.ports, speech, action: 'publish', streamPath }))
      await server.waitForEvent({ event: 'postPublish', streamPath })
    }
    await until(async () => (await server.verdicts()).filter(({ verdict }) => verdict.source === 'default').length === 2 * publishing.length, 'all were decided by default')
  })
})
