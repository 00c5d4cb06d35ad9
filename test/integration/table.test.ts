import { expect } from 'chai'
import type { Action } from '../../lib/access/request.js'
import { VERSION } from '../../lib/version.js'
import { refusingPort, startBackend, type Asked, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { isRtmp, openClient, pathOf, protocolOf, speechesFor, type AnyClient, type Speech } from '../support/clients.js'
import { IS_V2 } from '../support/hosts.js'
import { createStream, keepPublishing } from '../support/media.js'
import { startServer, type Decided, type NmsEvent, type TestServer } from '../support/server.js'
import { sleep, until } from '../support/waiting.js'

const ACTIONS: readonly Action[] = ['play', 'publish']
const DEFAULTS = ['allow', 'deny'] as const
const STATUSES = ['200', '403', '302', '500'] as const
type Outcome = typeof STATUSES[number] | 'refused' | 'timeout'

/** The stream that players ask for, and whether publishers get through is seen by its viewer. */
interface Case { readonly speech: Speech, readonly action: Action, readonly outcome: Outcome, readonly streamPath: string, readonly query: string }

/** Everything that was seen of one client. */
interface Seen {
  readonly client: AnyClient
  /** AV bytes that had reached the client, or the publisher's viewer, while the backend had not answered. */
  readonly mediaWhileHeld: number
  readonly mediaAfterwards: number
  readonly eventsWhileHeld: NmsEvent[]
  readonly events: NmsEvent[]
  readonly asked: Asked[]
  readonly decided: Decided[]
}

const casesOf = (outcomes: readonly Outcome[]): Case[] => outcomes.flatMap((outcome) => ACTIONS.flatMap((action) => speechesFor(action).map((speech, index) => {
  const name = `${action}-${outcome}-${index}`
  // Nothing of this may be decoded, put in order or left out on the way.
  return { speech, action, outcome, streamPath: action === 'play' ? '/live/source' : `/live/${name}`, query: `case=${name}&x=1&x=%20a%2Fb&&y=+;z&e=` }
})))

const HOLDING: Partial<Record<Outcome, number>> = { 200: 200, 403: 403, 302: 302, 500: 500 }

/** One client of each case, all at once, before one server. */
const observe = async (cases: readonly Case[], server: TestServer, backend: ControlledBackend | undefined, keep: ReturnType<typeof cleanup>): Promise<Map<Case, Seen>> => {
  const source = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/source' }))
  await server.waitForEvent({ event: 'postPublish', streamPath: '/live/source' })
  keep(keepPublishing(source))
  const stream = createStream()
  const seen = await Promise.all(cases.map(async (one): Promise<[Case, Seen]> => {
    const { speech, action, outcome, streamPath, query } = one
    const viewer = action === 'play' ? undefined : keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'play', streamPath, query: 'viewer' }))
    expect(await viewer?.told ?? 'yes').to.equal('yes')
    const client = keep(await openClient({ ports: server.ports, speech, action, streamPath, query, userAgent: `agent ${speech}` }))
    const sink = viewer ?? client
    if (action === 'publish') {
      const send = (): void => { for (const message of [...stream.opening, ...stream.frame(0), ...stream.frame(1)]) client.sendMedia(message) }
      // A WebSocket cannot send before its handshake is answered; everybody else does not wait.
      if (protocolOf(speech).startsWith('ws')) void client.told.then(send)
      else send()
    }
    const own = (events: NmsEvent[], decided: Decided[]): NmsEvent[] => events.filter(({ id }) => decided.some(({ request }) => request.sessionId === id))
    const decisions = async (): Promise<Decided[]> => (await server.verdicts()).filter(({ request }) => request.query === query)

    let mediaWhileHeld = 0
    let eventsWhileHeld: NmsEvent[] = []
    if (backend !== undefined) {
      const { headers } = await backend.waitFor(query)
      await sleep(150)
      mediaWhileHeld = sink.mediaBytes()
      eventsWhileHeld = (await server.events()).filter(({ id }) => id === headers['x-session-id'])
      if (outcome !== 'timeout') backend.release({}, ({ url }) => url.endsWith(query))
    }
    await until(async () => (await decisions()).length > 0, `a verdict for ${query}`)
    const [{ verdict } = { verdict: { allowed: false } }] = await decisions()
    if (verdict.allowed) {
      // Version 2 passes a few messages on only when more have come.
      if (action === 'publish' && IS_V2) keep(keepPublishing(client))
      await sink.waitForMedia(100)
      await client.close()
    } else {
      await until(() => client.closedAt() > 0, () => `the denied client's connection is gone: ${query}`)
    }
    const decided = await decisions()
    const id = decided[0]?.request.sessionId
    if (verdict.allowed && action === 'play') await server.waitForEvent({ event: 'donePlay', ...(id === undefined ? {} : { id }) })
    return [one, {
      client, mediaWhileHeld, eventsWhileHeld, decided, mediaAfterwards: sink.mediaBytes(),
      events: own(await server.events(), decided),
      asked: backend?.about(query) ?? []
    }]
  }))
  return new Map(seen)
}

const originOf = (speech: Speech, { ports }: TestServer): string => ({
  rtmp: `rtmp://127.0.0.1:${ports.rtmp}`, rtmps: `rtmps://127.0.0.1:${ports.rtmps}`,
  'http-flv': `http://127.0.0.1:${ports.http}`, 'https-flv': `https://127.0.0.1:${ports.https}`,
  'https-flv over HTTP/2': `https://127.0.0.1:${ports.https}`, 'ws-flv': `ws://127.0.0.1:${ports.http}`,
  'wss-flv': `wss://127.0.0.1:${ports.https}`
})[speech]

for (const defaultAction of DEFAULTS) {
  for (const outcomes of [STATUSES, ['refused'], ['timeout']] as const) {
    const title = outcomes === STATUSES ? 'the backend answers' : outcomes[0] === 'refused' ? 'the backend refuses connections' : 'the backend does not answer in time'
    describe(`when ${title} and the default action is ${defaultAction}`, () => {
      const keep = cleanup()
      const cases = casesOf(outcomes)
      let server: TestServer
      let seen: Map<Case, Seen>
      before(async function () {
        this.timeout(60_000)
        const backend = outcomes[0] === 'refused' ? undefined : keep(await startBackend())
        backend?.answer(({ query }) => {
          const status = HOLDING[/case=\w+-(\w+)/.exec(query)?.[1] as Outcome]
          // A client that follows redirects would be sent to an allow.
          return { hold: true, ...(status === undefined ? {} : { status }), ...(status === 302 ? { headers: { Location: '/?token=123' } } : {}) }
        })
        const url = backend?.url ?? keep(await refusingPort()).url
        server = keep(await startServer({
          options: {
            url, defaultAction, breaker: false, timeoutMs: outcomes[0] === 'timeout' ? 1000 : 20_000, log: 'verdicts',
            rules: [{ for: 'publish', path: '/live/source', verdict: 'allow' }, { for: 'play', path: '/live/publish-*', verdict: 'allow' }]
          }
        }))
        seen = await observe(cases, server, backend, keep)
      })
      after(() => keep.run())

      for (const one of cases) {
        const { speech, action, outcome, streamPath, query } = one
        const answered = outcome !== 'refused' && outcome !== 'timeout'
        const allows = answered ? outcome === '200' : defaultAction === 'allow'
        it(`${allows ? 'lets a client' : 'lets no client'} ${action} by ${speech} (${outcome})`, () => {
          const { client, mediaWhileHeld, mediaAfterwards, eventsWhileHeld, events, asked, decided } = seen.get(one)!
          expect(decided).to.have.length(1)
          const { request, verdict } = decided[0]!
          expect(verdict).to.include({ allowed: allows, source: answered ? 'backend' : 'default' })
          expect(request).to.include({ action, protocol: protocolOf(speech), streamPath, query, ip: '127.0.0.1' })

          expect(mediaWhileHeld, 'media while held').to.equal(0)
          expect(eventsWhileHeld, 'events while held').to.deep.equal([])
          if (allows) expect(mediaAfterwards, 'media after the allow').to.be.greaterThan(0)
          else expect(mediaAfterwards, 'media after the denial').to.equal(0)

          expect(asked).to.have.length(outcome === 'refused' ? 0 : 1)
          for (const { method, url, rawHeaders } of asked) {
            expect([method, url]).to.deep.equal(['GET', `/?${query}`])
            const pairs = Array.from({ length: rawHeaders.length / 2 }, (_, index) => [rawHeaders[2 * index], rawHeaders[2 * index + 1]])
            expect(Object.fromEntries(pairs.filter(([name]) => !/^(?:host|connection)$/.test(name ?? '')))).to.deep.equal({
              'X-Session-Id': request.sessionId, 'X-Real-Ip': '127.0.0.1', 'X-Real-Path': pathOf(speech, streamPath),
              'X-Real-Origin': originOf(speech, server), 'X-Real-Ua': `agent ${speech}`,
              'User-Agent': `node-media-server-http-auth/${VERSION}`
            })
          }

          const expected = !allows ? [] : action === 'play' ? ['prePlay', 'postPlay', 'donePlay'] : ['prePublish', 'postPublish']
          // Version 2 ends a publisher at once, version 4 half a minute later.
          expect(events.map(({ event }) => event).filter((event) => event !== 'donePublish')).to.deep.equal(expected)
          for (const event of events) {
            expect(event).to.include({ streamPath, protocol: isRtmp(speech) ? 'rtmp' : 'flv' })
            expect(event.ip).to.match(/^127\.0\.0\.1:\d+$/)
          }
          if (!allows) expect(client.answer()).to.equal(refusalOf(speech, action, answered))
        })
      }
    })
  }
}

const refusalOf = (speech: Speech, action: Action, answered: boolean): number | string =>
  isRtmp(speech) ? action === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Unauthorized' : answered ? 403 : 503
