import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Options } from '../../lib/options/options.js'
import { inspect } from '../../lib/check/inspect.js'
import { startBackend, type Asked, type ControlledBackend } from '../support/backend.js'
import { openClient, pathOf, protocolOf, SPEECHES, type Told } from '../support/clients.js'
import { fileClient } from '../support/file-clients.js'
import { hlsStream, writeFiles } from '../support/hls-files.js'
import { startServer, type TestServer } from '../support/server.js'
import { certificatePath } from '../support/certificates.js'
import { inTime } from '../support/waiting.js'

const USER_AGENT = 'player/1 (it\'s Größe)'

/** What the backend was asked, but for the session. */
const asked = ({ url, rawHeaders }: Asked): string[] =>
  [url, ...rawHeaders.filter((text, index) => (index % 2 === 0 ? text : rawHeaders[index - 1])?.toLowerCase() !== 'x-session-id')]

/** What is the same whenever it is asked. */
const lasting = (record: object | null | undefined): object =>
  Object.fromEntries(Object.entries(record ?? {}).filter(([key]) => !['latencyMs', 'sessionId', 'query'].includes(key)))

describe('check and the running server', () => {
  let backend: ControlledBackend
  let server: TestServer
  let config: string

  before(async () => {
    backend = await startBackend()
    const options: Options = {
      url: `${backend.url}/auth?own=1`, headers: { 'X-Key': 'k' }, params: { name: '{stream}', who: '{ip}-{action}-{protocol}' },
      rules: [{ path: '/live/free', verdict: 'allow' }, { path: '/live/shut', verdict: 'deny' }]
    }
    server = await startServer({
      options,
      config: { static: { router: '/static', root: 'static' }, https: { port: 1, key: certificatePath('server.key'), cert: certificatePath('server.pem') } }
    })
    await writeFiles(join(server.dir, 'static'), hlsStream('live/s'))
    config = join(server.dir, 'config.json')
    await writeFile(config, JSON.stringify({ static: { router: '/static', root: join(server.dir, 'static') }, httpAuth: options }))
  })
  after(async () => {
    await server.close()
    await backend.close()
  })
  beforeEach(() => { backend.requests.length = 0 })

  const check = (url: string, publish: boolean): ReturnType<typeof inspect> =>
    inspect({ url, config, publish, ip: '127.0.0.1', userAgent: USER_AGENT }, false)
  const urlOf = (speech: typeof SPEECHES[number], streamPath: string, query: string): string => {
    const { rtmp, rtmps, http, https } = server.ports
    const port = { rtmp, rtmps, 'http-flv': http, 'https-flv': https, 'ws-flv': http, 'wss-flv': https }[protocolOf(speech) as 'rtmp']
    return `${protocolOf(speech).replace('-flv', '')}://127.0.0.1:${port}${pathOf(speech, streamPath)}?${query}`
  }

  for (const speech of SPEECHES) {
    for (const action of ['play', 'publish'] as const) {
      it(`ask the backend the same, and say the same: ${action} over ${speech}`, async () => {
        for (const [streamPath, query] of [
          ['/live/s', 'token=123&x=[1]{};&name=other'], ['/live/s', 'token=bad'], ['/live/free', 'token=bad'], ['/live/shut', 'token=123'], ['/live/%73', 'token=123']
        ] as const) {
          const wished = await check(urlOf(speech, streamPath, query), action === 'publish')
          const [byCheck, ...more] = backend.requests.splice(0)
          expect(more).to.have.length(0)

          const before = (await server.verdicts()).length
          const client = await openClient({ ports: server.ports, speech, action, streamPath, query, userAgent: speech.startsWith('rtmp') ? USER_AGENT : Buffer.from(USER_AGENT, 'utf8').toString('latin1') })
          const told: Promise<Told | 'closed'> = Promise.race([client.told, client.closed.then(() => 'closed' as const)])
          await server.waitFor(({ auth }, count) => Object.values(auth?.stats().verdicts ?? {}).flatMap((byProtocol) => Object.values(byProtocol))
            .flatMap((bySource) => Object.values(bySource)).reduce((sum, { allowed, denied }) => sum + allowed + denied, 0) > count, before)
          const decided = (await server.verdicts()).at(-1)
          if (wished.verdict?.allowed === false) await inTime(told, 'the refusal')
          await client.close()
          const [byServer, ...others] = backend.requests.splice(0)
          expect(others).to.have.length(0)

          expect(lasting(wished.verdict), streamPath + query).to.deep.equal(lasting(decided?.verdict))
          expect(byCheck && asked(byCheck)).to.deep.equal(byServer && asked(byServer))
          expect(lasting(wished.accessRequest)).to.deep.equal(lasting(decided?.request))
        }
      })
    }
  }

  for (const [target, over] of [
    ['/static/live/s/index.m3u8?token=123', 'HTTP/1'], ['/STATIC/live/s/720p/%69ndex.m3u8?token=bad', 'HTTPS'], ['/static/live/s/720p/0.ts?z&token=123', 'HTTP/2'],
    ['/static/live//s/index.m3u8?token=123', 'HTTP/1']
  ] as const) {
    it(`ask the backend the same, and say the same: ${target} over ${over}`, async () => {
      const secure = over !== 'HTTP/1'
      const wished = await check(`${secure ? 'https' : 'http'}://127.0.0.1:${secure ? server.ports.https : server.ports.http}${target}`, false)
      const [byCheck] = backend.requests.splice(0)
      const client = fileClient(server.ports, { over, headers: { 'user-agent': Buffer.from(USER_AGENT, 'utf8').toString('latin1') } })
      try {
        const { status } = await client.get(target)
        expect(status === 200).to.equal(wished.verdict?.allowed)
      } finally {
        client.close()
      }
      const [byServer] = backend.requests.splice(0)
      expect(byCheck && asked(byCheck)).to.deep.equal(byServer && asked(byServer))
      const decided = (await server.verdicts()).at(-1)
      expect(lasting(wished.verdict)).to.deep.equal(lasting(decided?.verdict))
    })
  }
})
