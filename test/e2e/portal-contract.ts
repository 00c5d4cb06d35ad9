import { readFileSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Protocol } from '../../lib/access/request.js'
import type { Options } from '../../lib/options/options.js'
import { cleanup } from '../support/cleanup.js'
import { playFrames, startSource } from '../support/ffmpeg.js'
import { startServer, type Decided, type TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'

/** A portal that runs. */
export interface RunningPortal {
  /** Puts the portal's address into the example's options, and nothing else that is not said here. */
  readonly options: (example: Options) => Options
  /** A query that is good now for this path. */
  readonly newQuery: (path: string) => string
  /** A query that was never good. */
  readonly badQuery: string
  /** Makes everything invalid that was given out before. */
  readonly expire: () => void
  /** How often it was asked. */
  readonly asked: () => number
  readonly close: () => Promise<unknown>
}

export interface PortalCase {
  readonly title: string
  /** The example's config file, below `examples/`. */
  readonly config: string
  readonly start: () => Promise<RunningPortal>
}

const STREAM = '/live/s'

/** What an example's config file holds, as far as it is changed here. */
interface ExampleConfig { readonly static?: object, readonly httpAuth: Options }

const readExample = (path: string): ExampleConfig =>
  JSON.parse(readFileSync(new URL(`../../examples/${path}`, import.meta.url), 'utf8')) as ExampleConfig

interface Way {
  readonly protocol: Protocol
  /** What the portal is told. */
  readonly path: string
  readonly url: (server: TestServer, query: string) => string
  /** How ffmpeg says that it was refused. */
  readonly refused: RegExp
  /** More frames than a player can have fetched beforehand. */
  readonly manyFrames: number
}

const WAYS: readonly Way[] = [
  {
    protocol: 'rtmp', path: STREAM, refused: /access denied/, manyFrames: 30,
    url: ({ ports }, query) => `rtmp://127.0.0.1:${ports.rtmp}${STREAM}?${query}`
  },
  {
    protocol: 'http-flv', path: `${STREAM}.flv`, refused: /403 Forbidden/, manyFrames: 30,
    url: ({ ports }, query) => `http://127.0.0.1:${ports.http}${STREAM}.flv?${query}`
  },
  {
    protocol: 'hls', path: `/static${STREAM}/index.m3u8`, refused: /403 Forbidden/, manyFrames: 100,
    url: ({ ports }, query) => `http://127.0.0.1:${ports.http}/static${STREAM}/index.m3u8?${query}`
  }
]

/** Every portal is the same to an operator: this is what its example promises, with real players. */
export const portalContract = ({ title, config, start }: PortalCase): void => {
  describe(`the example of ${title}, with ffmpeg`, function () {
    this.timeout(60_000)
    const keep = cleanup()
    let portal: RunningPortal
    let server: TestServer

    before(async () => {
      portal = keep(await start())
      const example = readExample(config)
      // The ports in the file are asked for elsewhere by the test server, which runs in a folder of its own.
      server = keep(await startServer({
        config: { static: { router: '/static', root: './media' }, ...example, bind: '127.0.0.1', rtmps: null, https: null, httpAuth: portal.options(example.httpAuth) }
      }))
      const folder = join(server.dir, 'media', STREAM)
      await mkdir(folder, { recursive: true })
      keep(startSource(`rtmp://127.0.0.1:${server.ports.rtmp}${STREAM}`, join(folder, 'index.m3u8')))
      await server.waitForEvent({ event: 'postPublish', streamPath: STREAM }, 20_000)
      await until(() => stat(join(folder, 'index.m3u8')).then(() => true, () => false), 'the playlist is there', 20_000)
    })
    after(() => keep.run())

    it('the publisher got in by a rule, and the portal was not asked about it', async () => {
      const [publisher] = await server.verdicts()
      expect(publisher?.request.action).to.equal('publish')
      expect(publisher?.verdict).to.include({ allowed: true, source: 'rule' })
      expect(portal.asked()).to.equal(0)
    })

    for (const { protocol, path, url, refused, manyFrames } of WAYS) {
      describe(`over ${protocol}`, () => {
        const decided = async (userAgent: string): Promise<Decided[]> =>
          (await server.verdicts()).filter(({ request }) => request.protocol === protocol && request.userAgent === userAgent)
        const outcomes = async (userAgent: string): Promise<string[]> =>
          (await decided(userAgent)).map(({ verdict }) => `${verdict.allowed ? 'allow' : 'deny'} by ${verdict.source}`)

        it('plays with a good token, and the portal is asked once', async () => {
          const asked = portal.asked()
          const player = keep(playFrames(url(server, portal.newQuery(path)), { userAgent: 'good', frames: 15 }))
          const { code } = await player.exited
          expect(code, player.stderr()).to.equal(0)
          expect(player.frames()).to.be.at.least(15)
          const [verdict, ...more] = await decided('good')
          expect(more, 'one session').to.deep.equal([])
          expect(verdict?.verdict).to.include({ allowed: true, source: 'backend', status: 200 })
          expect(verdict?.request).to.include({ action: 'play', path, streamPath: STREAM, ip: '127.0.0.1' })
          expect(portal.asked() - asked).to.equal(1)
        })

        it('is refused with a bad token, and ffmpeg says so', async () => {
          const player = keep(playFrames(url(server, portal.badQuery), { userAgent: 'bad', frames: 1 }))
          const { code } = await player.exited
          expect(code).not.to.equal(0)
          expect(player.frames()).to.equal(0)
          expect(player.stderr()).to.match(refused)
          expect(new Set(await outcomes('bad'))).to.deep.equal(new Set(['deny by backend']))
        })

        it('goes on after the token has expired, also when it reconnects; a newcomer with the token is refused', async () => {
          const link = url(server, portal.newQuery(path))
          const viewer = keep(playFrames(link, { userAgent: 'viewer' }))
          await viewer.waitForFrames(10)
          portal.expire()
          const asked = portal.asked()
          await viewer.waitForFrames(viewer.frames() + manyFrames)

          const again = keep(playFrames(link, { userAgent: 'viewer', frames: 10 }))
          expect((await again.exited).code, again.stderr()).to.equal(0)
          expect(portal.asked() - asked, 'nobody was asked for').to.equal(0)

          const newcomer = keep(playFrames(link, { userAgent: 'newcomer', frames: 1 }))
          expect((await newcomer.exited).code).not.to.equal(0)
          expect(newcomer.frames()).to.equal(0)
          expect(new Set(await outcomes('newcomer'))).to.deep.equal(new Set(['deny by backend']))

          await viewer.waitForFrames(viewer.frames() + 10)
          await viewer.close()
          if (protocol !== 'hls') {
            const [first, second] = await decided('viewer')
            expect(await outcomes('viewer')).to.deep.equal(['allow by backend', 'allow by remembered'])
            expect(first?.request.sessionId).not.to.equal(second?.request.sessionId)
          }
        })
      })
    }

    it('and no fault, outage or error is in the log', () => {
      expect(server.log()).not.to.match(/fault of the backend|unavailable:|error:|please report/)
    })
  })
}
