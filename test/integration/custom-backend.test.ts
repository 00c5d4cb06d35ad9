import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { cleanup } from '../support/cleanup.js'
import { openClient, pathOf } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type TestServer } from '../support/server.js'
import { spawn, startPhp, type Running } from '../support/tools.js'
import { until } from '../support/waiting.js'

const example = (name: string): string => fileURLToPath(new URL(`../../examples/custom-backend/${name}`, import.meta.url))

const startNode = async (script: string): Promise<Running & { url: string }> => {
  const running = spawn(process.execPath, [script], { env: { ...process.env, PORT: '0' } })
  const url = (): string | undefined => /http:\/\/127\.0\.0\.1:\d+/.exec(running.stdout())?.[0]
  await until(() => url() !== undefined, () => `${script} listens; ${running.stderr()}`)
  return { ...running, url: url() ?? '' }
}

describe('the backend of one\'s own', () => {
  for (const [name, start] of [['auth.php', startPhp], ['auth.js', startNode]] as const) {
    describe(name, () => {
      const keep = cleanup()
      let backend: Running & { url: string }
      let server: TestServer
      before(async () => {
        backend = keep(await start(example(name)))
        server = keep(await startServer({ options: { url: backend.url } }))
        const publisher = keep(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s', query: 'token=123' }))
        expect(await publisher.told).to.equal('yes')
        keep(keepPublishing(publisher))
      })
      after(() => keep.run())

      for (const speech of ['rtmp', 'http-flv', 'ws-flv'] as const) {
        const ask = (query: string) => openClient({ ports: server.ports, speech, action: 'play', streamPath: '/live/s', query, userAgent: 'my player' }).then(keep)

        it(`lets the token 123 in by ${speech}, and prints who it is`, async () => {
          const client = await ask('token=123')
          expect(await client.told).to.equal('yes')
          await client.waitForMedia(2000)
          const { request } = (await server.verdicts()).at(-1)!
          const printed = [
            ` Session ID: ${request.sessionId}`, '    Real IP: 127.0.0.1', `  Real Path: ${pathOf(speech, '/live/s')}`,
            `Real Origin: ${speech === 'rtmp' ? 'rtmp' : speech.startsWith('ws') ? 'ws' : 'http'}://127.0.0.1:${speech === 'rtmp' ? server.ports.rtmp : server.ports.http}`,
            '    Real UA: my player'
          ].join('\n')
          await until(() => (backend.stdout() + backend.stderr()).includes(printed), () => `${printed} in ${backend.stdout()}${backend.stderr()}`)
        })
        for (const query of ['token=12', 'token=', '', 'token=123&token=4', 'token[]=123']) {
          it(`refuses ${query || 'no token'} by ${speech}`, async () => {
            const client = await ask(query)
            expect(await client.told).to.equal('no')
            expect((await server.verdicts()).at(-1)!.verdict).to.include({ allowed: false, source: 'backend', status: 403 })
            expect(backend.stdout() + backend.stderr()).not.to.match(/warning|deprecated/i)
          })
        }
      }
    })
  }
})
